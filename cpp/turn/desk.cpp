// Texts, statuses and headers are part of the protocol (docs/protocol.md).
#include "turn/desk.hpp"

#include <utility>

#include "turn/routes.hpp"
#include "turn/stop.hpp"
#include "wire/json.hpp"

namespace pena::turn {

Desk::Desk(const core::Limits& limits, core::XidFactory ids, std::string version)
    : limits_(limits), ids_(std::move(ids)), version_(std::move(version)) {}

// ---- what is asked

Asked Desk::ask(const Request& request, const Moment& moment) {
  auto found = find_route(request.method, request.path);
  if (auto* const none = std::get_if<Answer>(&found)) return std::move(*none);
  switch (std::get<Route>(found)) {
    case Route::stream:
      return open_stream(request, moment);
    case Route::submit:
      return submit(request, moment);
    case Route::report:
      return report(request, moment);
    case Route::reports:
      return read_page(request, store::Bucket::report);
    case Route::fails:
      return read_page(request, store::Bucket::fail);
    case Route::health:
      break;
  }
  return health(moment);
}

Asked Desk::open_stream(const Request& request, const Moment& moment) {
  const auto query = wire::parse_task_query(request.query, limits_);
  if (!query) return refuse(query.refusal());
  if (draining()) return busy(kServerStops);
  const bool head_only = request.method == "HEAD";
  const core::Xid client = head_only ? core::Xid{} : ids_.next(moment.date);
  return OpenStream{{client, query->batchsize, query->takes_short, query->batches}, head_only};
}

// An id that is named may be known already, and then its msg is not new; one that is drawn here cannot
// be. The answer has them all.
Asked Desk::submit(const Request& request, const Moment& moment) {
  if (draining()) return busy(kServerStops);
  if (moment.full != Full::no) return busy(sentence(moment.full, limits_));
  auto submissions = wire::parse_submissions(request.body, limits_);
  if (!submissions) return refuse(submissions.refusal());
  const core::RequestId number = next_request_++;
  core::Submitted submitted{number, {}, false};
  submitted.msgs.reserve(submissions->size());
  Waiting waiting;
  waiting.ids.reserve(submissions->size());
  for (wire::Submission& one : *submissions) {
    submitted.names_ids = submitted.names_ids || one.id.has_value();
    const core::Xid id = one.id ? *one.id : ids_.next(moment.date);
    waiting.ids.push_back(id);
    submitted.msgs.push_back({id, one.period, std::move(one.payload)});
  }
  return wait(number, std::move(waiting), std::move(submitted));
}

Asked Desk::report(const Request& request, const Moment& moment) {
  if (stage_ == Stage::gave_up) return busy(kServerStops);
  auto reported = wire::parse_report(request.body, limits_);
  if (!reported) return refuse(reported.refusal());
  const core::RequestId number = next_request_++;
  reported->request = number;
  return wait(number, {{}, core::to_ms(moment.now)}, std::move(*reported));
}

Asked Desk::read_page(const Request& request, store::Bucket bucket) const {
  const auto query = wire::parse_page_query(request.query, limits_);
  if (!query) return refuse(query.refusal());
  return ReadPage{bucket, *query};
}

Answer Desk::health(const Moment& moment) const {
  std::string body = R"({"status":"ok","version":")" + version_ + '"';
  const std::string_view waiting_for = word(moment.waits_for);
  if (!waiting_for.empty()) body.append(R"(,"waiting":")").append(waiting_for).append("\"");
  // As a 503 of POST /task says it; nothing in it needs an escape.
  const std::string full = sentence(moment.full, limits_);
  if (!full.empty()) body += R"(,"full":")" + full + '"';
  return {200, body + '}', {}};
}

Waits Desk::wait(core::RequestId request, Waiting waiting, core::Event event) {
  waiting_.emplace_hint(waiting_.end(), request, std::move(waiting));
  return {request, std::move(event)};
}

// ---- what became of it

std::optional<Reply> Desk::resolve(const core::SubmitReply& reply) {
  auto waited = extract(reply.request);
  if (!waited) return std::nullopt;
  if (reply.refused) return Reply{reply.request, NoRoom{}};
  return Reply{reply.request, Accepted{std::move(waited->ids)}};
}

std::optional<Reply> Desk::resolve(const SubmitRefused& refusal) {
  if (!extract(refusal.request)) return std::nullopt;
  return Reply{refusal.request, refusal};
}

std::optional<Reply> Desk::resolve(core::ReportReply&& reply) {
  const auto waited = extract(reply.request);
  if (!waited) return std::nullopt;
  const core::RequestId request = reply.request;
  return Reply{request, Settled{std::move(reply), waited->came_at_ms}};
}

std::optional<Desk::Waiting> Desk::extract(core::RequestId request) {
  auto waited = waiting_.extract(request);
  if (waited.empty()) return std::nullopt;
  return std::move(waited.mapped());
}

// ---- the end

void Desk::drain() {
  if (stage_ == Stage::open) stage_ = Stage::draining;
}

std::optional<Reply> Desk::give_up() {
  stage_ = Stage::gave_up;
  if (waiting_.empty()) return std::nullopt;
  const core::RequestId request = waiting_.begin()->first;
  waiting_.erase(waiting_.begin());
  return Reply{request, UnknownOutcome{}};
}

}  // namespace pena::turn
