#include "sim/plain_client.hpp"

#include <algorithm>
#include <utility>

#include "wire/json.hpp"

namespace pena::sim {

using namespace std::chrono_literals;

namespace {

constexpr double kLeavesBehindAReport = 0.03;

}  // namespace

PlainClient::PlainClient(Environment& environment, Place place, const Member& member)
    : ClientProcess(environment, std::move(place)),
      batchsize_(member.rules.batchsize),
      wants_(wants(member)),
      reports_lists_(dice_.chance(0.3)),
      batches_(dice_.chance(0.3) ? dice_.between(1, 3) : 0),
      when_it_leaves_(environment.scenario.seed, 3'000'000 + place_.process) {
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
           (batches_ > 0 ? "&batches=" + std::to_string(batches_) : "") + wants_,
       [this, number = ++opened_](const Packet& came) {
         if (number == opened_) packet(came);
       });
  heard_at_ = environment_.timeline.now();
  look_whether_it_lives();
  leaves_ = false;
  leave_later();
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
    ++opened_;
    close();
    if ((batches_ > 0 || leaves_) && tasks_.empty() && !busy_) return die();
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
    may_leave(kLeavesBehindAReport);
    work_on_next();
  });
}

// In the middle of nothing, where the next batch may be on its way.
void PlainClient::leave_later() {
  if (!when_it_leaves_.chance(0.2)) return;
  after(when_it_leaves_.between(0us, 20s), [this, from = opened_] {
    if (from == opened_) may_leave(1.0);
  });
}

void PlainClient::may_leave(double chance) {
  const bool holds_nothing = !busy_ && tasks_.empty();
  const bool knows_its_id = connection_ && connection_->client_id;
  if (leaves_ || !holds_nothing || !knows_its_id || !when_it_leaves_.chance(chance)) return;
  leaves_ = true;
  leave(0);
}

// It reads on until it is told that it holds nothing: a batch that was granted before still comes.
void PlainClient::leave(int tries) {
  const std::string client = connection_->client_id->text();
  post("/report", R"({"client":")" + client + R"(","last":true})",
       [this, tries, from = opened_](const Reply& reply) {
         if (from != opened_) return;
         const auto answer = wire::parse_report_answer(reply.body);
         if (reply.status == 200 && answer && answer->held == 0) return die();
         if (reply.status == 200 || tries == 3) return;
         after(1s, [this, tries, from] {
           if (from == opened_) leave(tries + 1);
         });
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
    const std::string how = dice_.chance(0.1) ? R"(,"final":true)"
                            : dice_.chance(0.3)
                                ? R"(,"retry_in":)" + std::to_string(dice_.below(3000))
                                : "";
    body = "{" + batch + R"("ids":[],"failed":[{"id":)" + id +
           R"(,"error":"no luck, and none to come")" + how + R"(}],"partial":true})";
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
