#include "sim/client_process.hpp"

#include <algorithm>
#include <utility>

#include "wire/json.hpp"
#include "wire/report_body.hpp"

namespace pena::sim {

using namespace std::chrono_literals;

namespace {

constexpr const char* kUnanswered = "no answer within 30 s";

}  // namespace

ClientProcess::ClientProcess(Environment& environment, Place place)
    : environment_(environment),
      place_(std::move(place)),
      dice_(environment.scenario.seed, 2'000'000 + place_.process) {}

void ClientProcess::at(TrueTime when, Timeline::Action action) {
  environment_.timeline.at(when, shared_from_this(), [this, act = std::move(action)]() mutable {
    if (dead_) return;
    if (environment_.timeline.now() < frozen_until_) return at(frozen_until_, std::move(act));
    act();
  });
}

void ClientProcess::after(core::Duration wait, Timeline::Action action) {
  at(environment_.timeline.now() + wait, std::move(action));
}

void ClientProcess::at_own(core::Instant when, Timeline::Action action) {
  TrueTime due = place_.clock.when(when);
  if (environment_.has(FaultKind::late_timers)) {
    due += dice_.around(0us, environment_.scenario.limits.timing.slack);
  }
  at(due, std::move(action));
}

void ClientProcess::freeze(TrueTime until) {
  frozen_until_ = std::max(frozen_until_, until);
  exempt_ = true;
  environment_.oracle.froze(place_.process);
}

void ClientProcess::die() {
  if (std::exchange(dead_, true)) return;
  ++environment_.tally.client_deaths;
  for (const core::Xid& id : std::exchange(working_, {})) {
    environment_.oracle.work_stops(place_.process, id);
  }
  close();
  place_.on_end();
}

// ---- the network

void ClientProcess::open(const std::string& query) {
  close();
  connection_ = std::make_shared<Connection>(environment_.network, place_.client);
  environment_.network.link(place_.client).stream = connection_;
  connection_->at_client = [this, self = weak_from_this()](const Packet& came) {
    const auto lives = self.lock();
    if (!lives) return;
    // Held: what comes may end this connection.
    at(environment_.timeline.now(), [this, came, from = connection_] {
      if (connection_ == from) packet(came);
    });
  };
  place_.way.open_stream(connection_, query);
}

void ClientProcess::close() {
  if (!connection_) return;
  connection_->close_by_client();
  connection_.reset();
}

void ClientProcess::post(const std::string& path, const std::string& body, OnReply on_reply) {
  place_.way.post(
      place_.client, path, body,
      [this, self = weak_from_this(), on_reply = std::move(on_reply)](const Reply& reply) {
        const auto lives = self.lock();
        if (!lives) return;
        at(environment_.timeline.now(), [on_reply, reply] { on_reply(reply); });
      });
}

// ---- work

void ClientProcess::begin_work(const core::Xid& id, core::Duration takes,
                               std::function<void()> done) {
  environment_.note(
      [&] { return "process " + std::to_string(place_.process) + ": work " + id.text(); });
  environment_.oracle.work_begins(environment_.timeline.now(), place_.process, id, exempt_);
  working_.insert(id);
  const std::uint64_t number = next_work_++;
  work_numbers_[id] = number;
  if (place_.kills(id)) takes = dice_.between(0us, takes);
  after(takes, [this, id, number, done = std::move(done)] {
    const auto at = work_numbers_.find(id);
    if (at == work_numbers_.end() || at->second != number) return;
    work_numbers_.erase(at);
    if (place_.kills(id)) return die();
    working_.erase(id);
    environment_.oracle.work_done(place_.process, id);
    done();
  });
}

// Work does not stop at once: it has the stop time for it.
void ClientProcess::stop_work(const core::Xid& id, std::function<void()> stopped) {
  environment_.note(
      [&] { return "process " + std::to_string(place_.process) + ": stop " + id.text(); });
  const auto at = work_numbers_.find(id);
  if (at == work_numbers_.end()) return;
  work_numbers_.erase(at);
  const core::Duration takes = dice_.around(0us, environment_.scenario.limits.timing.stop_time);
  after(takes, [this, id, stopped = std::move(stopped)] {
    working_.erase(id);
    environment_.oracle.work_stops(place_.process, id);
    stopped();
  });
}

// ---- Pena's client

PenaClient::PenaClient(Environment& environment, Place place, const core::ClientRules& rules)
    : ClientProcess(environment, std::move(place)), rules_(rules), logic_(rules) {
  parser_.on_event = [this](const wire::SseEvent& event) {
    if (const auto msg = wire::parse_msg_json(event.data)) {
      happen(core::MsgArrived{msg->id, msg->period, core::Xid::parse(event.id)});
    }
  };
  parser_.on_comment = [this](std::string_view comment) {
    const wire::StreamNote note = wire::parse_note(comment);
    if (!note.batch && !note.at_ms) return;
    core::NoteArrived arrived{note.batch, note.size, note.at_ms, {}};
    if (note.lease_ms) arrived.lease = std::chrono::milliseconds{*note.lease_ms};
    happen(arrived);
  };
}

void PenaClient::start() {
  perform(logic_.start());
}

void PenaClient::packet(const Packet& packet) {
  switch (packet.kind) {
    case Packet::Kind::head:
      head_came_ = true;
      exempt_ = false;
      happen(core::StreamOpened{requested_at_, environment_.scenario.limits.timing});
      return;
    case Packet::Kind::end:
      close();
      happen(core::StreamClosed{"the stream ended", 0, {}});
      return;
    case Packet::Kind::bytes:
      break;
  }
  happen(core::StreamHeard{});
  // In pieces, as a socket gives them.
  for (std::string_view rest = packet.bytes; !rest.empty() && connection_;) {
    const std::size_t size = dice_.chance(0.5) ? rest.size() : 1 + dice_.below(rest.size());
    static_cast<void>(parser_.feed(rest.substr(0, size)));
    rest.remove_prefix(size);
  }
}

void PenaClient::happen(const core::ClientEvent& event) {
  if (!logic_.ended() && !dead()) perform(logic_.step(event, now()));
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

void PenaClient::act(const core::OpenStream& open_stream) {
  const std::uint64_t number = ++open_number_;
  after(open_stream.after, [this, number, batches = open_stream.batches] {
    if (number != open_number_ || logic_.ended()) return;
    auto fresh = wire::SseParser{};
    fresh.on_event = parser_.on_event;
    fresh.on_comment = parser_.on_comment;
    parser_ = std::move(fresh);
    requested_at_ = now();
    head_came_ = false;
    open("batchsize=" + std::to_string(rules_.batchsize) +
         (batches ? "&batches=" + std::to_string(*batches) : ""));
    const auto unless_answered = [this, number, from = connection_](Timeline::Action then) {
      return [this, number, from, act = std::move(then)]() mutable {
        if (number == open_number_ && !head_came_ && connection_ == from) act();
      };
    };
    after(5s, unless_answered([this] { happen(core::StreamUnanswered{5s, kUnanswered}); }));
    after(30s, unless_answered([this] {
            close();
            happen(core::StreamClosed{kUnanswered, 0, {}});
          }));
  });
}

void PenaClient::act(const core::CloseOwnStream& /*close*/) {
  ++open_number_;
  close();
}

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

void PenaClient::act(const core::SendReport& send) {
  environment_.oracle.claims(place_.process, send.report.ids);
  sends_ = send;
  after(send.after, [this, send, number = ++try_] {
    if (number == try_) post_report(send);
  });
}

void PenaClient::act(const core::Say& say) {
  environment_.note(
      [&] { return "process " + std::to_string(place_.process) + " says: " + say.text; });
}

void PenaClient::act(const core::EndClient& /*end*/) {
  die();
}

void PenaClient::post_report(const core::SendReport& send) {
  const std::uint64_t number = ++try_;
  const core::Instant sent_at = now();
  const std::string body = wire::report_body(send.report, send.form);
  environment_.note(
      [&] { return "process " + std::to_string(place_.process) + ": report " + body; });
  post("/report", body, [this, number, send, sent_at](const Reply& reply) {
    if (number == try_) answered(send, reply, sent_at);
  });
  after(10s, [this, number, send, sent_at] {
    if (number == try_) answered(send, {}, sent_at);
  });
}

void PenaClient::answered(const core::SendReport& send, const Reply& reply, core::Instant sent_at) {
  ++try_;
  sends_.reset();
  happen(core::ReportTried{sent_at, reply.status, reply.at_ms, reply.retry_after,
                           "status " + std::to_string(reply.status)});
  if (!dead() && !logic_.ended()) must_be_sent_again(send, reply);
}

// What a client owes a server that did not take its report.
void PenaClient::must_be_sent_again(const core::SendReport& send, const Reply& reply) const {
  const bool again = sends_ && sends_->number == send.number;
  const std::string who = "process " + std::to_string(place_.process);
  const bool is_for_a_moment =
      reply.status == 0 || reply.status == 408 || reply.status == 429 || reply.status == 503;
  if (is_for_a_moment && !again) {
    throw LawBroken("reports_arrive", who + " gives a report up that was answered with " +
                                          std::to_string(reply.status));
  }
  const bool has_another_form =
      reply.status == 400 && send.form != core::ReportForm::single && !send.report.ids.empty();
  if (has_another_form && (!again || sends_->form <= send.form)) {
    throw LawBroken("reports_arrive", who + " tries no other form of a report that is refused");
  }
  if (is_for_a_moment && reply.retry_after && sends_->after < *reply.retry_after) {
    throw LawBroken("retry_after", who + " sends a report again sooner than it was asked to");
  }
}

// ---- a client without a library

PlainClient::PlainClient(Environment& environment, Place place, std::uint32_t batchsize)
    : ClientProcess(environment, std::move(place)),
      batchsize_(batchsize),
      reports_lists_(dice_.chance(0.3)),
      batches_(dice_.chance(0.3) ? dice_.between(1, 3) : 0) {
  parser_.on_event = [this](const wire::SseEvent& event) {
    const auto msg = wire::parse_msg_json(event.data);
    if (msg) tasks_.push_back({msg->id, core::Xid::parse(event.id), msg->period});
  };
}

void PlainClient::start() {
  reopen();
}

void PlainClient::reopen() {
  auto fresh = wire::SseParser{};
  fresh.on_event = parser_.on_event;
  parser_ = std::move(fresh);
  open("batchsize=" + std::to_string(batchsize_) + (dice_.chance(0.5) ? "&short=1" : "") +
       (batches_ > 0 ? "&batches=" + std::to_string(batches_) : ""));
  heard_at_ = environment_.timeline.now();
  look_whether_it_lives();
}

// All that it knows of silences: a stream that says nothing for a minute is opened again.
void PlainClient::look_whether_it_lives() {
  after(10s, [this, from = connection_] {
    if (connection_ != from) return;
    if (environment_.timeline.now() - heard_at_ < 60s) return look_whether_it_lives();
    tasks_.clear();
    reopen();
  });
}

void PlainClient::packet(const Packet& packet) {
  if (packet.kind == Packet::Kind::end) {
    close();
    if (batches_ > 0 && tasks_.empty() && !busy_) return die();
    tasks_.clear();
    after(dice_.between(100ms, 3s), [this] { reopen(); });
    return;
  }
  heard_at_ = environment_.timeline.now();
  static_cast<void>(parser_.feed(packet.bytes));
  work_on_next();
}

void PlainClient::work_on_next() {
  if (busy_ || tasks_.empty()) return;
  const Task task = tasks_.front();
  tasks_.pop_front();
  // Now and then it forgets one.
  if (dice_.chance(0.02)) return work_on_next();
  busy_ = true;
  // Nobody tells it when its lease is over: the promise of one at work is not made to it.
  exempt_ = true;
  begin_work(task.id, std::chrono::milliseconds{task.period}, [this, task] {
    busy_ = false;
    const bool done = !dice_.chance(0.05);
    reports_lists_ ? note_for_list(task, done) : report(task, done);
    work_on_next();
  });
}

bool PlainClient::is_last_of_batch(const Task& task) const {
  return std::ranges::none_of(tasks_, [&](const Task& other) { return other.batch == task.batch; });
}

// What it did for a stream that was lost since is in the list, too.
void PlainClient::note_for_list(const Task& task, bool done) {
  if (done) done_.push_back(task.id);
  if (!is_last_of_batch(task)) return;
  post_report(wire::ids_json(std::exchange(done_, {})), 0);
}

void PlainClient::report(const Task& task, bool done) {
  const std::string id = '"' + task.id.text() + '"';
  const std::string batch = task.batch ? R"("batch":")" + task.batch->text() + R"(",)" : "";
  std::string body;
  if (!done) {
    body = "{" + batch + R"("ids":[],"failed":[{"id":)" + id +
           R"(,"error":"no luck, and none to come"}],"partial":true})";
  } else if (task.batch && is_last_of_batch(task) && dice_.chance(0.2)) {
    body = "{" + batch + R"("ids":[)" + id + R"(],"last":true)" +
           (dice_.chance(0.5) ? R"(,"partial":true})" : "}");
  } else if (dice_.chance(0.5)) {
    body = id;
  } else if (is_last_of_batch(task) && dice_.chance(0.3)) {
    body = "[" + id + "]";  // whichever batch holds it, that is all of it
  } else {
    body = "{" + batch + R"("ids":[)" + id + R"(],"partial":true})";
  }
  post_report(body, 0);
}

void PlainClient::post_report(const std::string& body, int tries) {
  post("/report", body, [this, body, tries](const Reply& reply) {
    if (reply.status == 200 || tries == 3) return;
    after(1s, [this, body, tries] { post_report(body, tries + 1); });
  });
}

}  // namespace pena::sim
