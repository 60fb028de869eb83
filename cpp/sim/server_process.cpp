#include "sim/server_process.hpp"

#include <algorithm>
#include <utility>

#include "core/describe.hpp"
#include "core/write_time.hpp"
#include "store/round.hpp"
#include "wire/json.hpp"
#include "wire/query.hpp"
#include "wire/sse.hpp"

namespace pena::sim {

using namespace std::chrono_literals;

namespace {

// What the kernels on the way hold for a client that does not read.
constexpr std::size_t kSocketBuffers = 4096;
constexpr core::Duration kLongestDrain = 5s;
// Small, so that some of what waits is left for the next round.
constexpr std::size_t kMostOfARound = 30;

std::optional<core::Generator::Settings> generator_of(const Scenario& scenario) {
  if (scenario.generate == 0) return std::nullopt;
  return core::Generator::Settings{scenario.generate, scenario.rate, scenario.seed};
}

}  // namespace

ServerProcess::ServerProcess(Environment& environment, const SkewedClock& clock, std::uint64_t boot,
                             std::function<void()> on_death)
    : environment_(environment),
      clock_(clock),
      on_death_(std::move(on_death)),
      dice_(environment.scenario.seed, 1000 + boot),
      // As in a container, where every run is process 1.
      ids_({1, 2, 3}, 1),
      committer_(environment.scenario.limits, environment.disk, generator_of(environment.scenario),
                 ids_, now()) {}

void ServerProcess::start() {
  begin_round();
}

void ServerProcess::at(TrueTime when, Timeline::Action action) {
  environment_.timeline.at(when, shared_from_this(), [this, act = std::move(action)]() mutable {
    if (dead_) return;
    if (environment_.timeline.now() < frozen_until_) return at(frozen_until_, std::move(act));
    act();
  });
}

// ---- commits

void ServerProcess::push(core::Event event) {
  if (dead_) return;
  environment_.note([&] { return "server: " + core::describe(event); });
  inbox_.push_back(std::move(event));
  // A thread wakes up.
  if (!committing_) at(environment_.timeline.now(), [this] { begin_round(); });
}

// Now, and not when it came: the order among those of a round counts.
void ServerProcess::tell_oracle(const core::Event& event) {
  if (const auto* joined = std::get_if<core::ClientJoined>(&event)) {
    environment_.oracle.joined(joined->session, joined->batches);
  } else if (const auto* lost = std::get_if<core::ClientLost>(&event)) {
    environment_.oracle.left(lost->session);
  } else if (const auto* report = std::get_if<core::Reported>(&event); report && report->last) {
    const auto batch = committer_.dispatcher().batch(*report->batch);
    if (batch) environment_.oracle.said_last(batch->client);
  }
}

core::Duration ServerProcess::commit_time() {
  if (environment_.timeline.now() < slow_until_) return dice_.between(100ms, 5s);
  return dice_.between(100us, 5ms);
}

void ServerProcess::begin_round() {
  if (committing_) return;
  const core::Instant at_once = now();
  if (const core::Duration ahead = wall_ahead_; ahead != wall_told_) {
    committer_.take(core::ClockRead{wall_told_ = ahead}, at_once);
  }
  std::vector<core::Event> events;
  store::take_round(inbox_, events, kMostOfARound);
  for (core::Event& event : events) {
    tell_oracle(event);
    committer_.take(std::move(event), at_once);
  }
  (void)environment_.disk.take_read();
  auto outgoing = committer_.commit(at_once);
  environment_.oracle.round_done(committer_.dispatcher().in_memory(),
                                 environment_.disk.take_read());
  committing_ = true;
  ++environment_.tally.commits;
  const TrueTime done = environment_.timeline.now() + commit_time();
  if (crash_ == CrashPoint::during_commit && environment_.disk.unsynced() > 0) {
    at(environment_.timeline.now() + dice_.between(0us, done - environment_.timeline.now()),
       [this] { die(); });
    return;
  }
  at(done, [this, out = std::move(outgoing)]() mutable { end_round(std::move(out)); });
}

void ServerProcess::end_round(std::vector<store::Outgoing> outgoing) {
  environment_.disk.sync();
  committing_ = false;
  if (crash_ == CrashPoint::after_commit && !outgoing.empty()) return die();
  std::size_t left = outgoing.size();
  if (crash_ == CrashPoint::between_sends && left > 0) left = dice_.below(left);
  for (std::size_t i = 0; i < left && !dead_; ++i) {
    std::visit([this](const auto& what) { deliver(what); }, outgoing[i]);
  }
  if (crash_ == CrashPoint::between_sends && !outgoing.empty()) return die();
  if (!inbox_.empty()) return begin_round();
  wait_for_timeout();
}

void ServerProcess::wait_for_timeout() {
  const auto next = committer_.next_timeout(now());
  if (!next) return;
  TrueTime when = clock_.when(*next);
  if (environment_.has(FaultKind::late_timers)) {
    when += dice_.around(0us, environment_.scenario.limits.timing.slack);
  }
  at(when, [this, number = ++timeout_number_] {
    if (number == timeout_number_ && !committing_) begin_round();
  });
}

// ---- what leaves

void ServerProcess::deliver(const core::SendBatch& send_batch) {
  const core::Batch& batch = *send_batch.batch;
  environment_.note([&] { return "server: " + core::describe_grant(batch); });
  environment_.oracle.batch_leaves(batch);
  ++environment_.tally.grants;
  const auto stream = streams_.find(send_batch.session);
  if (stream == streams_.end()) return;
  if (stream->second.batch_waits && stream->second.connection->backlog() > kSocketBuffers) {
    return end_stream(send_batch.session, "the client does not read what it is sent");
  }
  std::string bytes;
  const core::Duration lease = environment_.scenario.limits.timing.lease;
  wire::append_batch_frames(bytes, batch, send_batch.lease_until - lease, lease);
  stream->second.batch_waits = true;
  send(send_batch.session, std::move(bytes));
}

void ServerProcess::deliver(const core::CloseStream& close) {
  end_stream(close.session, close.reason);
}

void ServerProcess::deliver(const core::SubmitReply& reply) {
  const auto waiter = waiters_.extract(reply.request);
  if (waiter.empty()) return;
  if (reply.refused) return waiter.mapped().answer({503, {}, {}});
  environment_.oracle.accepted(waiter.mapped().ids);
  waiter.mapped().answer({201, wire::ids_json(waiter.mapped().ids), core::to_ms(now()), {}});
}

void ServerProcess::deliver(const store::SubmitRefused& refusal) {
  const auto waiter = waiters_.extract(refusal.request);
  if (!waiter.empty()) waiter.mapped().answer({400, refusal.id.text(), {}});
}

// As the reader thread does it: after the commit, at some time, in what is durable by then.
void ServerProcess::deliver(const core::ReportReply& reply) {
  if (reply.elsewhere.empty()) return answer_report(store::settled(reply, environment_.disk));
  at(environment_.timeline.now() + dice_.between(0us, 5ms),
     [this, reply] { answer_report(store::settled(reply, environment_.disk.durable())); });
}

void ServerProcess::answer_report(const store::SettledReply& reply) {
  const auto waiter = waiters_.extract(reply.request);
  if (waiter.empty()) return;
  environment_.oracle.report_answered(waiter.mapped().report, reply.reported, reply.duplicate,
                                      reply.unknown);
  ++environment_.tally.reports;
  waiter.mapped().answer({200,
                          wire::report_success_json(reply.reported, reply.duplicate, reply.unknown),
                          waiter.mapped().at_ms,
                          {}});
}

// ---- requests

void ServerProcess::post(std::string_view path, const std::string& body, const OnReply& answer) {
  at(environment_.timeline.now(), [this, path = std::string{path}, body, answer] {
    if (draining_) return answer({503, {}, {}, {}});
    path == "/task" ? post_task(body, answer) : post_report(body, answer);
  });
}

void ServerProcess::post_task(const std::string& body, const OnReply& answer) {
  const auto submissions = wire::parse_submissions(body, environment_.scenario.limits);
  if (!submissions)
    return answer({submissions.refusal().status, submissions.refusal().sentence, {}, {}});
  if (!committer_.accepting()) return answer({503, {}, {}, {}});
  core::Submitted submitted{next_request_++, {}};
  Waiter waiter{answer, {}, {}, 0};
  for (const wire::Submission& one : *submissions) {
    const core::Xid id = one.id ? *one.id : ids_.next(date());
    waiter.ids.push_back(id);
    submitted.msgs.push_back({id, one.period, one.payload});
  }
  waiters_.emplace(submitted.request, std::move(waiter));
  push(std::move(submitted));
}

void ServerProcess::post_report(const std::string& body, const OnReply& answer) {
  auto report = wire::parse_report(body, environment_.scenario.limits);
  if (!report) {
    throw LawBroken("no_refusal", "a report is refused with " +
                                      std::to_string(report.refusal().status) + ": " +
                                      report.refusal().sentence);
  }
  report->request = next_request_++;
  environment_.oracle.report_arrives(*report);
  waiters_.emplace(report->request, Waiter{answer, {}, *report, core::to_ms(now())});
  push(std::move(*report));
}

// ---- streams

void ServerProcess::open_stream(const std::shared_ptr<Connection>& connection,
                                std::string_view query) {
  at(environment_.timeline.now(), [this, connection, query = std::string{query}] {
    const auto asked = wire::parse_task_query(query, environment_.scenario.limits);
    if (!asked || draining_) return connection->close_by_server();
    const core::Xid session = ids_.next(date());
    ++environment_.tally.streams;
    streams_.emplace(session, Stream{connection, false, {}});
    connection->ended_at_server = [this, session, self = weak_from_this()] {
      if (const auto lives = self.lock()) {
        at(environment_.timeline.now(), [this, session] { stream_over(session); });
      }
    };
    connection->send({Packet::Kind::head, {}});
    std::string bytes;
    wire::append_heartbeat(bytes, now());
    send(session, std::move(bytes));
    push(core::ClientJoined{session, asked->batchsize, asked->takes_short, asked->batches});
    beat(session);
  });
}

void ServerProcess::beat(const core::Xid& session) {
  TrueTime next = clock_.when(now() + environment_.scenario.limits.timing.heartbeat);
  if (environment_.has(FaultKind::late_timers)) {
    next += dice_.around(0us, environment_.scenario.limits.timing.slack);
  }
  at(next, [this, session] {
    const auto stream = streams_.find(session);
    if (stream == streams_.end()) return;
    if (stream->second.connection->backlog() <= kSocketBuffers) {
      stream->second.blocked_since.reset();
      stream->second.batch_waits = false;
      std::string bytes;
      wire::append_heartbeat(bytes, now());
      send(session, std::move(bytes));
    } else if (!stream->second.blocked_since) {
      stream->second.blocked_since = environment_.timeline.now();
    } else if (environment_.timeline.now() - *stream->second.blocked_since >
               core::longest_write(environment_.scenario.limits)) {
      return end_stream(session, "it does not read");
    }
    beat(session);
  });
}

void ServerProcess::send(const core::Xid& session, std::string bytes) {
  streams_.at(session).connection->send({Packet::Kind::bytes, std::move(bytes)});
}

void ServerProcess::end_stream(const core::Xid& session, const std::string& reason) {
  const auto stream = streams_.find(session);
  if (stream == streams_.end()) return;
  environment_.note([&] { return "server: end " + session.text() + ": " + reason; });
  std::string bytes;
  wire::append_bye(bytes, reason);
  send(session, std::move(bytes));
  stream->second.connection->close_by_server();
  stream_over(session);
}

void ServerProcess::stream_over(const core::Xid& session) {
  const auto stream = streams_.extract(session);
  if (stream.empty()) return;
  stream.mapped().connection->ended_at_server = nullptr;
  push(core::ClientLost{session});
}

bool ServerProcess::could_grant() const {
  const TrueTime time = environment_.timeline.now();
  return !draining_ && !committing_ && time >= frozen_until_ && time >= slow_until_ &&
         std::ranges::any_of(streams_, [this](const auto& stream) {
           return environment_.oracle.is_free(stream.first);
         });
}

// ---- its end

void ServerProcess::crash(CrashPoint point) {
  if (point == CrashPoint::at_once) return die();
  crash_ = point;
  // Where no commit comes for a while the crash hits all the same.
  at(environment_.timeline.now() + 2s, [this] { die(); });
}

void ServerProcess::stop() {
  if (draining_) return;
  draining_ = true;
  push(core::DrainBegan{});
  while (!streams_.empty()) end_stream(streams_.begin()->first, "the server stops");
  const TrueTime give_up = environment_.timeline.now() + kLongestDrain;
  const auto look = [this, give_up](const auto& again) -> void {
    const bool idle = waiters_.empty() && inbox_.empty() && !committing_;
    if (idle || environment_.timeline.now() >= give_up) return die();
    at(environment_.timeline.now() + 5ms, [again] { again(again); });
  };
  look(look);
}

void ServerProcess::die() {
  if (std::exchange(dead_, true)) return;
  environment_.note([] { return std::string{"server: dead"}; });
  // What was not synced may be on the disk all the same, as far as it got.
  const std::size_t unsynced = environment_.disk.unsynced();
  const std::size_t kept = dice_.below(unsynced + 1);
  if (kept < unsynced) ++environment_.tally.torn;
  environment_.disk.cut(kept);
  for (auto& [session, stream] : streams_) {
    stream.connection->ended_at_server = nullptr;
    stream.connection->close_by_server();
  }
  streams_.clear();
  for (auto& [request, waiter] : std::exchange(waiters_, {})) waiter.answer({});
  on_death_();
}

}  // namespace pena::sim
