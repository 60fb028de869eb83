#include "sim/pena_client.hpp"

#include <string>
#include <utility>

#include "wire/report_body.hpp"

namespace pena::sim {

using namespace std::chrono_literals;

PenaClient::PenaClient(Environment& environment, Place place, const core::ClientRules& rules)
    : ClientProcess(environment, std::move(place)),
      rules_(rules),
      logic_(rules),
      law_("process " + std::to_string(place_.process), rules.retry,
           environment.scenario.limits.timing.slack) {}

void PenaClient::start() {
  perform(logic_.start(now()));
}

void PenaClient::happen(const core::ClientEvent& event) {
  if (!dead()) perform(logic_.step(event, now()));
}

void PenaClient::perform(const std::vector<core::ClientAction>& actions) {
  for (const core::ClientAction& action : actions) {
    if (dead()) return;
    std::visit([this](const auto& what) { act(what); }, action);
  }
  wait_for_timeout();
}

void PenaClient::wait_for_timeout() {
  const auto next = logic_.next_timeout();
  if (!next) return;
  at_own(*next, [this, number = ++timeout_number_] {
    if (number == timeout_number_) happen(core::ClientTimeReached{});
  });
}

// ---- the stream

void PenaClient::tell(std::uint64_t stream, const core::StreamEvent& event) {
  if (!dead()) perform(logic_.step(stream, event, now()));
}

void PenaClient::act(const core::OpenStream& open_stream) {
  if (connection_) {
    throw LawBroken("one_stream", "process " + std::to_string(place_.process) +
                                      " opens a stream while it has another");
  }
  const std::uint64_t number = stream_number_ = open_stream.stream;
  const auto stream = std::make_shared<Stream>(
      number, now(), [this, number](const core::StreamEvent& event) { tell(number, event); });
  open(wire::task_query(rules_.batchsize, open_stream.batches),
       [this, stream](const Packet& came) { packet(*stream, came); });
  tell(number, core::StreamAsked{});
}

// The end of what it closes itself reaches it like any other, perhaps when there is another stream.
void PenaClient::act(const core::CloseOwnStream& /*close*/) {
  close();
  after(dice_.between(0us, 100ms), [this, number = stream_number_] {
    tell(number, core::StreamClosed{"it was closed", 0, {}});
  });
}

void PenaClient::packet(Stream& stream, const Packet& packet) {
  switch (packet.kind) {
    case Packet::Kind::head:
      if (stream.number == stream_number_) exempt_ = false;
      return tell(stream.number,
                  core::StreamOpened{stream.requested_at, environment_.scenario.limits.timing});
    case Packet::Kind::end:
      if (stream.number == stream_number_) close();
      return tell(stream.number, core::StreamClosed{"the stream ended", 0, {}});
    case Packet::Kind::bytes:
      break;
  }
  // In pieces, as a socket gives them.
  for (std::string_view rest = packet.bytes; !rest.empty() && !dead();) {
    const std::size_t size = dice_.chance(0.5) ? rest.size() : 1 + dice_.below(rest.size());
    static_cast<void>(stream.reader.feed(rest.substr(0, size)));
    rest.remove_prefix(size);
  }
}

// ---- work

void PenaClient::act(const core::StartWork& start) {
  const core::Duration takes =
      start.panics ? core::Duration{0} : std::chrono::milliseconds{start.period};
  begin_work(start.id, takes, [this, id = start.id, panics = start.panics] {
    happen(core::WorkEnded{id, panics});
  });
}

void PenaClient::act(const core::StopWork& stop) {
  stop_work(stop.id, [this, id = stop.id] { happen(core::WorkStopped{id}); });
}

// ---- reports

void PenaClient::act(const core::SendReport& send) {
  environment_.oracle.claims(place_.process, send.report.ids);
  law_.sends(send, now());
  const std::string body = wire::report_body(send.report, send.form);
  environment_.note(
      [&] { return "process " + std::to_string(place_.process) + ": report " + body; });
  post("/report", body, [this, number = send.number, sent_at = now()](const Reply& reply) {
    answered(number, reply, sent_at);
  });
  look_later();
}

void PenaClient::act(const core::AbandonReport& /*abandon*/) {
  law_.abandons(now());
  look_later();
}

void PenaClient::answered(std::uint64_t number, const Reply& reply, core::Instant sent_at) {
  law_.answered(number, reply, now());
  look_later();
  happen(core::ReportTried{number, sent_at, reply.status, reply.at_ms, reply.retry_after,
                           "status " + std::to_string(reply.status)});
}

// Later than its own timers.
void PenaClient::look_later() {
  at(place_.clock.when(now() + law_.longest_wait()) + 1ms, [this] { look(); });
}

void PenaClient::look() {
  if (!is_up_to_date()) return after(1s, [this] { look(); });
  law_.look(now());
}

// ---- the rest

void PenaClient::act(const core::Say& say) {
  environment_.note(
      [&] { return "process " + std::to_string(place_.process) + " says: " + say.text; });
}

void PenaClient::act(const core::EndClient& /*end*/) {
  die();
}

}  // namespace pena::sim
