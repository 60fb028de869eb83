// What leaves a simulated server: batches, the ends of streams, and what requests are answered with.
#include <charconv>
#include <utility>

#include "core/describe.hpp"
#include "sim/server_process.hpp"

namespace pena::sim {

using namespace std::chrono_literals;

namespace {

// What a client reads out of the headers.
std::optional<std::int64_t> number_of(const turn::Answer& said, std::string_view name) {
  const std::size_t at = said.headers.find(name);
  if (at == std::string::npos) return std::nullopt;
  std::int64_t number = 0;
  const char* const from = said.headers.data() + at + name.size();
  const auto read = std::from_chars(from, said.headers.data() + said.headers.size(), number);
  return read.ec == std::errc{} ? std::optional{number} : std::nullopt;
}

Reply as_heard(const turn::Answer& said) {
  Reply heard{said.status, said.body, number_of(said, "Pena-At: ")};
  if (const auto wait = number_of(said, "Retry-After: ")) {
    heard.retry_after = std::chrono::seconds{*wait};
  }
  return heard;
}

}  // namespace

void ServerProcess::deliver(const core::SendBatch& send_batch) {
  const core::Batch& batch = *send_batch.batch;
  environment_.note([&] { return "server: " + core::describe_grant(batch); });
  environment_.oracle.batch_leaves(batch);
  ++environment_.tally.grants;
  with_stream(send_batch.client,
              [&](ServerStream& stream) { return stream.batch(send_batch, now()); });
}

void ServerProcess::deliver(const core::CloseStream& close) {
  environment_.oracle.closes(close.client);
  end_stream(close.client, close.reason, close.complete);
}

void ServerProcess::deliver(const core::SubmitReply& reply) {
  environment_.oracle.answer_leaves(Oracle::Answer::to_submission, reply.request);
  answer(desk_.resolve(reply));
}

void ServerProcess::deliver(const turn::SubmitRefused& refusal) {
  environment_.oracle.answer_leaves(Oracle::Answer::refusal, refusal.request);
  answer(desk_.resolve(refusal));
}

void ServerProcess::deliver(const core::StatusReply& reply) {
  environment_.oracle.status_leaves(reply.request, *reply.status);
  answer(desk_.resolve(core::StatusReply{reply}));
}

void ServerProcess::deliver(const core::ReportReply& reply) {
  environment_.oracle.answer_leaves(Oracle::Answer::to_report, reply.request);
  answer(desk_.resolve(core::ReportReply{reply}));
}

// What is to be looked up a thread does, some time later, in what is there by then.
void ServerProcess::answer(const std::optional<turn::Reply>& reply) {
  if (!reply) {
    law(gave_up_, "one_answer", "a request is answered that nobody has made");
    return;
  }
  const auto given = turn::answer(*reply, environment_.scenario.limits);
  if (const auto* const said = std::get_if<turn::Answer>(&given)) return say(reply->request, *said);
  look_up(reply->request, std::get<turn::LookUp>(given));
}

// As the server's shell does: what is not found is asked of the turn, under another number.
void ServerProcess::look_up(core::RequestId request, const turn::LookUp& asked) {
  at(environment_.timeline.now() + dice_.between(0us, 5ms), [this, request, asked] {
    auto found = turn::answer(asked, environment_.disk.view());
    if (const auto* const said = std::get_if<turn::Answer>(&found)) return say(request, *said);
    auto again = desk_.ask(std::get<turn::Unfound>(std::move(found)));
    if (const auto* const said = std::get_if<turn::Answer>(&again)) return say(request, *said);
    auto& waits = std::get<turn::Waits>(again);
    auto peer = peers_.extract(request);
    if (peer.empty()) return;
    peer.key() = waits.request;
    peers_.insert(std::move(peer));
    push(std::move(waits.event));
  });
}

void ServerProcess::say(core::RequestId request, const turn::Answer& said) {
  const auto peer = peers_.extract(request);
  if (!peer.empty()) reply_to(peer.mapped(), said);
}

void ServerProcess::reply_to(const Peer& peer, const turn::Answer& said) {
  // Where it came too late for some of it, too, the answer has the counts.
  if (peer.report && (said.status == 200 || said.status == 409)) {
    environment_.oracle.report_answered(*peer.report, said.body, peer.before);
    ++environment_.tally.reports;
  }
  if (said.status == 201) {
    if (peer.came_late) throw LawBroken("drain", "work is accepted while the server stops");
    environment_.oracle.accepted(peer.ids, said.body);
  }
  peer.answer(as_heard(said));
}

}  // namespace pena::sim
