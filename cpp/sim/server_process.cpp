#include "sim/server_process.hpp"

#include <algorithm>
#include <utility>

#include "core/describe.hpp"
#include "core/write_time.hpp"
#include "turn/inbox.hpp"
#include "wire/query.hpp"
#include "wire/sse.hpp"

namespace pena::sim {

using namespace std::chrono_literals;

namespace {

// Small, so that some of what waits is left for the next round.
constexpr std::size_t kMostOfARound = 30;
// Small likewise, so that a page is several, and other things happen between them.
constexpr std::size_t kSliceBytes = 300;
constexpr core::Duration kSliceTime = 1ms;

std::optional<turn::Generator::Settings> generator_of(const Scenario& scenario) {
  if (scenario.generate == 0) return std::nullopt;
  return turn::Generator::Settings{scenario.generate, scenario.rate, scenario.seed};
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
      desk_(environment.scenario.limits, ids_, "simulated"),
      stop_(environment.scenario.limits.drain_time),
      turn_(environment.scenario.limits, environment.disk, environment.disk,
            generator_of(environment.scenario), ids_, now()) {}

void ServerProcess::start() {
  const store::Ticket before = environment_.disk.appended();
  (void)environment_.disk.take_read();
  turn_.close(now());
  closed_behind(before);
}

void ServerProcess::at(TrueTime when, Timeline::Action action) {
  environment_.timeline.at(when, shared_from_this(), [this, act = std::move(action)]() mutable {
    if (dead_) return;
    if (!standstill_.holds(environment_.timeline.now())) return act();
    standstill_.add(environment_.timeline, weak_from_this(), dead_, std::move(act));
  });
}

// ---- rounds

void ServerProcess::push(core::Event event) {
  if (dead_) return;
  environment_.note([&] { return "server: " + core::describe(event); });
  inbox_.push_back(std::move(event));
  wake();
}

core::Duration ServerProcess::commit_time() {
  if (environment_.timeline.now() < slow_until_) return dice_.between(100ms, 5s);
  return dice_.between(100us, 5ms);
}

void ServerProcess::wake() {
  const std::uint64_t number = ++wake_number_;
  at(environment_.timeline.now(), [this, number] {
    if (number == wake_number_) run();
  });
}

// What the thread does when it wakes: takes a round's worth, and closes the round where it is time.
void ServerProcess::run() {
  if (turn_.is_blocked()) return;
  const core::Instant at_once = now();
  turn_.note_date(date(), at_once);
  if (std::exchange(noted_ahead_, wall_ahead_) != wall_ahead_) environment_.oracle.clock_set();
  std::vector<core::Event> events;
  turn::take_round(inbox_, events, kMostOfARound);
  for (core::Event& event : events) {
    // Of a leave behind it: the turn may find room on the way, and grant what waited for that.
    const auto* const report = std::get_if<core::Reported>(&event);
    const auto leave = report != nullptr && report->client ? std::optional{event} : std::nullopt;
    if (!leave) tell_oracle(event);
    turn_.take(std::move(event), at_once);
    if (leave) tell_oracle(*leave);
  }
  const store::Ticket before = environment_.disk.appended();
  (void)environment_.disk.take_read();
  if (turn_.close_if_due(at_once)) return closed_behind(before);
  publish();
  wait_until(turn_.next_close(at_once));
}

void ServerProcess::closed_behind(store::Ticket before) {
  environment_.oracle.round_done(turn_.dispatcher().in_memory(), environment_.disk.take_read(),
                                 environment_.disk.leaving());
  ++environment_.tally.commits;
  const store::Ticket ticket = environment_.disk.appended();
  watch_.closed(turn_.dispatcher().wanted(), ticket != before, environment_.timeline.now());
  if (ticket == before) return let_go();
  environment_.oracle.closed(ticket, date());
  // In the order of the rounds, and now and then several at once.
  synced_at_ = std::max(synced_at_, environment_.timeline.now()) + commit_time();
  if (crash_ == CrashPoint::during_commit) {
    const TrueTime left = synced_at_ - environment_.timeline.now();
    at(environment_.timeline.now() + dice_.between(0us, left), [this] { die(); });
  }
  at(synced_at_, [this, ticket] {
    environment_.disk.sync(ticket);
    apply_later();
    let_go();
  });
  wake();
}

// The applier's: some time after the first that waits for it came.
void ServerProcess::apply_later() {
  if (std::exchange(will_apply_, true)) return;
  at(environment_.timeline.now() + dice_.between(0us, environment_.scenario.apply_lag), [this] {
    will_apply_ = false;
    environment_.disk.let_apply();
    let_go();
  });
}

void ServerProcess::publish() {
  full_ = turn_.full();
  waits_for_ = turn_.waits_for();
}

void ServerProcess::let_go() {
  const std::vector<turn::Outgoing> outgoing = turn_.durable(now());
  publish();
  if (crash_ == CrashPoint::after_commit && !outgoing.empty()) return die();
  std::size_t left = outgoing.size();
  if (crash_ == CrashPoint::between_sends && left > 0) left = dice_.below(left);
  for (std::size_t i = 0; i < left && !dead_; ++i) {
    std::visit([this](const auto& what) { deliver(what); }, outgoing[i]);
  }
  if (crash_ == CrashPoint::between_sends && !outgoing.empty()) return die();
  wake();
}

void ServerProcess::wait_until(std::optional<core::Instant> next) {
  if (!next) return;
  TrueTime when = clock_.when(*next);
  if (environment_.has(FaultKind::late_timers)) {
    when += dice_.around(0us, environment_.scenario.limits.timing.slack);
  }
  at(when, [this, number = wake_number_] {
    if (number == wake_number_) wake();
  });
}

// ---- requests

turn::Moment ServerProcess::moment() const {
  return {now(), date(), full_, waits_for_};
}

void ServerProcess::send(std::string_view method, std::string_view target, const std::string& body,
                         const OnReply& answer) {
  const std::size_t end = std::min(target.find('?'), target.size());
  const std::string query{target.substr(std::min(end + 1, target.size()))};
  at(environment_.timeline.now(), [this, method = std::string{method},
                                   path = std::string{target.substr(0, end)}, query, body, answer] {
    if (stop_.is_over()) return answer({});
    auto asked = desk_.ask({method, path, query, body}, moment());
    if (const auto* const said = std::get_if<turn::Answer>(&asked)) {
      if (said->status < 500) throw LawBroken("no_refusal", path + " is refused: " + said->body);
      return reply_to({answer, {}, {}, 0, desk_.draining()}, *said);
    }
    auto& waits = std::get<turn::Waits>(asked);
    Peer peer{answer, {}, {}, 0, desk_.draining()};
    if (const auto* const report = std::get_if<core::Reported>(&waits.event)) {
      peer.report = *report;
      peer.before = environment_.oracle.report_arrives(*report);
    } else if (const auto* const submitted = std::get_if<core::Submitted>(&waits.event)) {
      for (const core::Msg& msg : submitted->msgs) peer.ids.push_back(msg.id);
    } else if (const auto* const bulk = std::get_if<core::BulkAsked>(&waits.event)) {
      if (bulk->what == core::BulkAsked::What::retry) environment_.oracle.retry_asked();
    }
    peers_.emplace(waits.request, std::move(peer));
    push(std::move(waits.event));
  });
}

void ServerProcess::get(std::string_view path, std::string_view query, const OnReply& answer) {
  at(environment_.timeline.now(), [=, this, path = std::string{path}, query = std::string{query}] {
    const auto asked = desk_.ask({"GET", path, query, {}}, moment());
    const auto* const read = std::get_if<turn::ReadPage>(&asked);
    if (read == nullptr) throw LawBroken("no_refusal", "GET " + path + "?" + query + " is refused");
    const auto page =
        std::make_shared<turn::PageText>(environment_.disk.view(), read->bucket, read->query,
                                         environment_.scenario.limits.page_bytes, kSliceBytes);
    read_on(page, {}, answer);
  });
}

void ServerProcess::read_on(const std::shared_ptr<turn::PageText>& page, const std::string& text,
                            const OnReply& answer) {
  at(environment_.timeline.now() + kSliceTime, [=, this] {
    std::string longer = text;
    page->append_next(longer);
    page->done() ? answer({200, longer, {}}) : read_on(page, longer, answer);
  });
}

// ---- streams

void ServerProcess::open_stream(const std::shared_ptr<Connection>& connection,
                                std::string_view query) {
  at(environment_.timeline.now(), [this, connection, query = std::string{query}] {
    auto asked = desk_.ask({"GET", "/task", query, {}}, moment());
    const auto* const opens = std::get_if<turn::OpenStream>(&asked);
    if (opens == nullptr) return connection->close_by_server();
    if (desk_.draining()) throw LawBroken("drain", "a stream is opened while the server stops");
    const core::Xid client = opens->joined.client;
    ++environment_.tally.streams;
    streams_.try_emplace(client, environment_.scenario.limits, connection, dice_.chance(0.5),
                         environment_.scenario.socket_room, now());
    const auto later = [this, self = weak_from_this()](Timeline::Action act) {
      return [this, self, act = std::move(act)] {
        if (const auto lives = self.lock()) at(environment_.timeline.now(), act);
      };
    };
    connection->client_id = client;
    connection->ended_at_server = later([this, client] { stream_over(client); });
    connection->room_at_server = later([this, client] { go_on(client); });
    go_on(client);
    push(opens->joined);
    beat(client);
  });
}

void ServerProcess::go_on(const core::Xid& client) {
  with_stream(client, [this](ServerStream& stream) { return stream.go_on(now()); });
}

// Does something with a stream that is still there, and what is to be done about it then.
void ServerProcess::with_stream(const core::Xid& client,
                                const std::function<ServerStream::State(ServerStream&)>& act) {
  const auto stream = streams_.find(client);
  if (stream == streams_.end()) return;
  const ServerStream::State state = act(stream->second);
  if (state.over) return stream_over(client);
  if (!state.until) return;
  at(clock_.when(*state.until), [this, client, until = *state.until] {
    with_stream(client, [&](ServerStream& late) {
      if (late.go_on(now()).until == until) late.late();
      return late.go_on(now());
    });
  });
}

void ServerProcess::beat(const core::Xid& client) {
  TrueTime next = clock_.when(now() + environment_.scenario.limits.timing.heartbeat);
  if (environment_.has(FaultKind::late_timers)) {
    next += dice_.around(0us, environment_.scenario.limits.timing.slack);
  }
  at(next, [this, client] {
    if (!streams_.contains(client)) return;
    turn::Stamp stamp;
    stamp.write(now());
    with_stream(client, [&](ServerStream& stream) { return stream.stamp(stamp, now()); });
    beat(client);
  });
}

void ServerProcess::end_stream(const core::Xid& client, const std::string& reason, bool complete) {
  environment_.note([&] { return "server: end " + client.text() + ": " + reason; });
  with_stream(client, [&](ServerStream& stream) { return stream.end(reason, complete, now()); });
}

void ServerProcess::stream_over(const core::Xid& client) {
  if (streams_.erase(client) > 0) push(core::ClientLost{client});
}

bool ServerProcess::is_awake() const {
  const TrueTime time = environment_.timeline.now();
  // What a slow disk was given is on its way for longer than it is slow.
  const bool disk_runs = time >= slow_until_ && synced_at_ <= time + 1s;
  return !desk_.draining() && time >= standstill_.until() && disk_runs;
}

bool ServerProcess::could_grant(const std::function<bool(const core::Xid&)>& suits) const {
  const TrueTime time = environment_.timeline.now();
  return !desk_.draining() && turn_.on_their_way() == 0 && time >= standstill_.until() &&
         time >= slow_until_ && std::ranges::any_of(streams_, [&](const auto& stream) {
           return !stream.second.ends() && environment_.oracle.is_free(stream.first) &&
                  suits(stream.first);
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
  if (!stop_.begin()) return;
  stops_at_ = now();
  end();
}

// As the server's shell does.
void ServerProcess::end() {
  const turn::Stop::Next next = stop_.next(now(), streams_.size() + peers_.size());
  if (next.step == turn::Stop::Step::drain) drain();
  if (next.step == turn::Stop::Step::give_up) give_up();
  if (next.step == turn::Stop::Step::finish) {
    law(peers_.empty(), "drain", "a stop leaves a request without a word");
    return finish_by(now() + turn::Stop::kLastWords);
  }
  at(clock_.when(next.ask_at), [this] { end(); });
}

void ServerProcess::drain() {
  desk_.drain();
  push(core::DrainBegan{});
  for (const core::Xid& client : clients()) end_stream(client, turn::kServerStops, false);
}

// What the store is still read for is answered all the same.
void ServerProcess::give_up() {
  law(now() >= stops_at_ + environment_.scenario.limits.drain_time, "drain",
      "a stop gives up who could have been answered in its time");
  gave_up_ = true;
  for (const core::Xid& client : clients()) stream_over(client);
  while (const auto reply = desk_.give_up()) answer(reply);
}

// The thread of the turn writes what it has, while the disk answers.
void ServerProcess::finish_by(core::Instant until) {
  if (now() >= until || (inbox_.empty() && turn_.on_their_way() == 0)) return die();
  at(environment_.timeline.now() + 5ms, [this, until] { finish_by(until); });
}

std::vector<core::Xid> ServerProcess::clients() const {
  std::vector<core::Xid> clients;
  for (const auto& [client, stream] : streams_) clients.push_back(client);
  return clients;
}

void ServerProcess::die() {
  if (std::exchange(dead_, true)) return;
  environment_.note([] { return std::string{"server: dead"}; });
  // What was not synced may be on the disk all the same, as far as it got.
  const std::size_t unsynced = environment_.disk.unsynced();
  const std::size_t kept = dice_.below(unsynced + 1);
  if (kept < unsynced) ++environment_.tally.torn;
  environment_.disk.cut(kept);
  streams_.clear();
  for (auto& [request, peer] : std::exchange(peers_, {})) peer.answer({});
  on_death_();
}

}  // namespace pena::sim
