// Texts, statuses and headers are part of the protocol (docs/protocol.md).
#include "turn/desk.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "turn/routes.hpp"
#include "turn/stop.hpp"
#include "wire/bulk_body.hpp"
#include "wire/json.hpp"
#include "wire/names.hpp"
#include "wire/quote.hpp"

namespace pena::turn {

Desk::Desk(const core::Limits& limits, core::XidFactory ids, std::string version)
    : limits_(limits), ids_(std::move(ids)), version_(std::move(version)) {}

namespace {

// The date before which it is not to be sent, where that is to come.
std::optional<core::Instant> due(const wire::Wishes& wishes, core::Instant date) {
  const core::Instant at = wishes.delay ? date + *wishes.delay : wishes.due_at.value_or(date);
  return at > date ? std::optional{at} : std::nullopt;
}

// But for the queue.
void grant(wire::Wishes& wishes, core::Instant date, core::Msg& msg,
           std::vector<core::Submitted::Due>& later) {
  msg.key = wishes.key;
  msg.max_resends = wishes.max_resends;
  if (const auto due_at = due(wishes, date)) later.push_back({msg.id, *due_at});
}

// As a rule all are of `default`, and then nothing is said.
void place_in_queues(const std::vector<wire::Submission>& submissions, core::Submitted& submitted) {
  const auto is_named = [](const wire::Submission& one) {
    return one.wishes && !one.wishes->queue.empty();
  };
  if (std::ranges::none_of(submissions, is_named)) return;
  std::unordered_map<std::string_view, core::QueueNumber> places;
  for (std::size_t i = 0; i < submissions.size(); ++i) {
    const wire::Wishes* const wishes = submissions[i].wishes.get();
    const std::string_view name =
        wire::full_queue_name(wishes == nullptr ? std::string_view{} : wishes->queue);
    const auto next = static_cast<core::QueueNumber>(submitted.queues.size());
    const auto [place, is_new] = places.try_emplace(name, next);
    if (is_new) submitted.queues.emplace_back(name);
    submitted.msgs[i].queue = place->second;
  }
}

// In the order of Desk::Waiting.
constexpr std::array kOutcomes{UnknownOutcome::Of::msgs,   UnknownOutcome::Of::bulk,
                               UnknownOutcome::Of::pause,  UnknownOutcome::Of::status,
                               UnknownOutcome::Of::status, UnknownOutcome::Of::msgs};

// Puts the ids that msgs have in the place of those that were drawn for them. Those that were known
// before, in the order of the request.
std::vector<core::Xid> note_known(const core::SubmitReply& reply, std::vector<core::Xid>& ids) {
  std::vector<core::Xid> known;
  if (reply.known.empty()) return known;
  std::unordered_map<core::Xid, core::Xid> has;
  for (const core::KnownMsg& one : reply.known) has.emplace(one.asked, one.id);
  for (core::Xid& id : ids) {
    const auto at = has.find(id);
    if (at == has.end()) continue;
    id = at->second;
    known.push_back(id);
  }
  return known;
}

std::vector<core::Xid> ids_of(const FindMsg& asked) {
  return {*asked.id};
}
std::vector<core::Xid> ids_of(const LateReport& late) {
  std::vector<core::Xid> ids;
  for (const core::NamedId& named : late.report.left) ids.push_back(named.id);
  return ids;
}

}  // namespace

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
    case Route::queue:
      return read_page(request, store::Bucket::queue);
    case Route::later:
      return read_page(request, store::Bucket::later);
    case Route::batches:
      return status(request, core::StatusAsked::What::batches);
    case Route::clients:
      return status(request, core::StatusAsked::What::clients);
    case Route::stats:
      return status(request, core::StatusAsked::What::stats);
    case Route::msg:
      return find_msg(request);
    case Route::retry:
      return bulk(request, core::BulkAsked::What::retry);
    case Route::forget_fails:
      return bulk(request, core::BulkAsked::What::forget_fails);
    case Route::forget_reports:
      return bulk(request, core::BulkAsked::What::forget_reports);
    case Route::forget_waiting:
      return bulk(request, core::BulkAsked::What::forget_waiting);
    case Route::pause:
      return pause(request, true);
    case Route::resume:
      return pause(request, false);
    case Route::health:
      break;
  }
  return health(moment);
}

Asked Desk::open_stream(const Request& request, const Moment& moment) {
  const auto by_key = wire::parse_key_query(request.query);
  if (!by_key) return refuse(by_key.refusal());
  if (*by_key) return FindMsg{std::nullopt, (*by_key)->key, (*by_key)->queue};
  const auto query = wire::parse_task_query(request.query, limits_);
  if (!query) return refuse(query.refusal());
  if (draining()) return busy(kServerStops);
  const bool head_only = request.method == "HEAD";
  const core::Xid client = head_only ? core::Xid{} : ids_.next(moment.date);
  return OpenStream{{client, query->batchsize, query->takes_short, query->batches, query->queues,
                     query->submitted_only, query->name},
                    head_only};
}

// An id or a key that is named may be known already, and then its msg is not new; an id that is drawn
// here cannot be. The answer has them all.
Asked Desk::submit(const Request& request, const Moment& moment) {
  if (draining()) return busy(kServerStops);
  if (moment.full != Full::no) return busy(sentence(moment.full, limits_));
  const auto queue = wire::parse_submit_query(request.query);
  if (!queue) return refuse(queue.refusal());
  auto submissions = wire::parse_submissions(request.body, limits_, *queue);
  if (!submissions) return refuse(submissions.refusal());
  const core::RequestId number = next_request_++;
  core::Submitted submitted{number, {}, false};
  submitted.msgs.reserve(submissions->size());
  OfMsgs waiting;
  waiting.ids.reserve(submissions->size());
  for (wire::Submission& one : *submissions) {
    const bool has_key = one.wishes && !one.wishes->key.empty();
    submitted.names_ids = submitted.names_ids || one.id || has_key;
    const core::Xid id = one.id ? *one.id : ids_.next(moment.date);
    waiting.ids.push_back(id);
    core::Msg& msg = submitted.msgs.emplace_back(core::Msg{id, one.period, one.payload});
    if (one.wishes) grant(*one.wishes, moment.date, msg, submitted.later);
  }
  place_in_queues(*submissions, submitted);
  return wait(number, std::move(waiting), std::move(submitted));
}

Asked Desk::report(const Request& request, const Moment& moment) {
  if (stage_ == Stage::gave_up) return busy(kServerStops);
  if (const auto refusal = wire::refuse_query(request.query)) return refuse(*refusal);
  auto reported = wire::parse_report(request.body, limits_);
  if (!reported) return refuse(reported.refusal());
  const core::RequestId number = next_request_++;
  reported->request = number;
  return wait(number, OfMsgs{{}, core::to_ms(moment.now)}, std::move(*reported));
}

Asked Desk::bulk(const Request& request, core::BulkAsked::What what) {
  if (draining()) return busy(kServerStops);
  if (bulk_waiting_ >= kMostBulkAtOnce) {
    return busy(std::to_string(bulk_waiting_) +
                " requests to retry or delete msgs wait already, as many as may");
  }
  // Which of them is said in the body: a `queue` in the query would mean fewer than are deleted.
  if (const auto refusal = wire::refuse_query(request.query)) return refuse(*refusal);
  auto asked = wire::parse_bulk(request.body, what, limits_);
  if (!asked) return refuse(asked.refusal());
  const core::RequestId number = next_request_++;
  asked->request = number;
  ++bulk_waiting_;
  return wait(number, OfBulk{what, asked->dry_run}, std::move(*asked));
}

Asked Desk::pause(const Request& request, bool paused) {
  if (draining()) return busy(kServerStops);
  const std::string queue{queue_of(request.path)};
  if (!wire::is_queue_name(queue)) {
    return refuse({400, "the queue in the path is " + wire::quote(queue) + "; expected " +
                            wire::queue_name_rule()});
  }
  if (const auto refusal = wire::refuse_query(request.query)) return refuse(*refusal);
  if (const auto refusal = wire::check_no_body(request.body)) return refuse(*refusal);
  const core::RequestId number = next_request_++;
  return wait(number, OfPause{queue, paused}, core::PauseAsked{number, queue, paused});
}

Asked Desk::status(const Request& request, core::StatusAsked::What what) {
  if (stage_ == Stage::gave_up) return busy(kServerStops);
  auto asked = wire::parse_status_query(request.query, what);
  if (!asked) return refuse(asked.refusal());
  if (status_waiting_ >= kMostStatusAtOnce) {
    return busy(std::to_string(status_waiting_) +
                " requests of how it stands wait already, as many as may");
  }
  const core::RequestId number = next_request_++;
  asked->request = number;
  OfStatus waiting{asked->queue};
  ++status_waiting_;
  return wait(number, std::move(waiting), std::move(*asked));
}

// A report whose answer is cut short is sent again, and is told then.
std::variant<Answer, Waits> Desk::ask(Unfound&& unfound) {
  if (stage_ == Stage::gave_up) return busy(kServerStops);
  const core::RequestId number = next_request_++;
  core::StatusAsked asked{number, core::StatusAsked::What::holders};
  return std::visit(
      [&](auto& of) {
        asked.ids = ids_of(of);
        return wait(number, std::move(of), std::move(asked));
      },
      unfound);
}

Asked Desk::read_page(const Request& request, store::Bucket bucket) const {
  const bool is_settled = bucket == store::Bucket::report || bucket == store::Bucket::fail;
  const auto query = wire::parse_page_query(
      request.query, limits_,
      {.has_since = is_settled, .is_by_date = bucket == store::Bucket::later});
  if (!query) return refuse(query.refusal());
  return ReadPage{bucket, *query};
}

Asked Desk::find_msg(const Request& request) {
  if (const auto refusal = wire::refuse_query(request.query)) return refuse(*refusal);
  const std::string_view id = msg_of(request.path);
  const auto xid = core::Xid::parse(id);
  if (xid) return FindMsg{xid};
  return refuse({400, "the id in the path is " + wire::quote(id) +
                          "; expected 20 characters of 0-9 and a-v, the last of them 0 or g"});
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
  auto waited = extract<OfMsgs>(reply.request);
  if (!waited) return std::nullopt;
  if (reply.refused) return Reply{reply.request, NoRoom{}};
  auto known = note_known(reply, waited->ids);
  return Reply{reply.request, Accepted{std::move(waited->ids), std::move(known)}};
}

std::optional<Reply> Desk::resolve(const SubmitRefused& refusal) {
  if (!extract<OfMsgs>(refusal.request)) return std::nullopt;
  return Reply{refusal.request, refusal};
}

std::optional<Reply> Desk::resolve(core::ReportReply&& reply) {
  const auto waited = extract<OfMsgs>(reply.request);
  if (!waited) return std::nullopt;
  const core::RequestId request = reply.request;
  return Reply{request, Settled{std::move(reply), waited->came_at_ms}};
}

std::optional<Reply> Desk::resolve(const core::BulkReply& reply) {
  --bulk_waiting_;
  const auto waited = extract<OfBulk>(reply.request);
  if (!waited) return std::nullopt;
  return Reply{reply.request, BulkDone{reply, waited->what, waited->dry_run}};
}

std::optional<Reply> Desk::resolve(const core::PauseReply& reply) {
  auto waited = extract<OfPause>(reply.request);
  if (!waited) return std::nullopt;
  return Reply{reply.request,
               Paused{std::move(waited->queue), waited->paused, reply.refused, reply.unknown}};
}

std::optional<Reply> Desk::resolve(const core::StatusReply& reply) {
  const auto waiting = waiting_.find(reply.request);
  if (waiting == waiting_.end()) return std::nullopt;
  if (std::holds_alternative<OfStatus>(waiting->second)) {
    --status_waiting_;
    return Reply{reply.request, Standing{reply.status, extract<OfStatus>(reply.request)->queue}};
  }
  if (std::holds_alternative<FindMsg>(waiting->second)) {
    FindMsg asked = *extract<FindMsg>(reply.request);
    asked.search.note(*reply.status);
    return Reply{reply.request, std::move(asked)};
  }
  LateReport late = *extract<LateReport>(reply.request);
  late.report.search.note(*reply.status);
  return Reply{reply.request, std::move(late)};
}

template <class Of>
std::optional<Of> Desk::extract(core::RequestId request) {
  auto waited = waiting_.extract(request);
  if (waited.empty()) return std::nullopt;
  return std::get<Of>(std::move(waited.mapped()));
}

// ---- the end

void Desk::drain() {
  if (stage_ == Stage::open) stage_ = Stage::draining;
}

std::optional<Reply> Desk::give_up() {
  stage_ = Stage::gave_up;
  if (waiting_.empty()) return std::nullopt;
  const auto& [request, waited] = *waiting_.begin();
  Reply reply{request, UnknownOutcome{kOutcomes.at(waited.index())}};
  waiting_.erase(waiting_.begin());
  return reply;
}

}  // namespace pena::turn
