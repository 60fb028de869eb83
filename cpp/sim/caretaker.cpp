#include "sim/caretaker.hpp"

#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "core/msg.hpp"
#include "sim/law.hpp"
#include "wire/json.hpp"

namespace pena::sim {

using namespace std::chrono_literals;

Caretaker::Caretaker(Environment& environment, Send send)
    : environment_(environment), send_(std::move(send)), dice_(environment.scenario.seed, 14) {}

void Caretaker::after(TrueTime time, std::function<void()> then) {
  environment_.timeline.at(environment_.timeline.now() + time, shared_from_this(), std::move(then));
}

void Caretaker::start() {
  after(dice_.between(1s, 60s), [this] {
    if (environment_.timeline.now() >= environment_.scenario.calm_at) return;
    act();
    start();
  });
}

void Caretaker::act() {
  const Scenario& scenario = environment_.scenario;
  if (scenario.retries && dice_.chance(0.6)) return retry();
  if (scenario.pauses && dice_.chance(0.6)) return pause();
  if (scenario.deletes && dice_.chance(0.6)) return forget();
  constexpr std::array<const char*, 3> kPaths{"/stats", "/clients", "/batch"};
  std::string path = kPaths.at(dice_.below(kPaths.size()));
  if (dice_.chance(0.3)) path += "?queue=" + any_queue();
  send_("GET", path, "", [path](const Reply& reply) {
    const bool stops = reply.status == 503;
    law(reply.status == 0 || reply.status == 200 || stops, "status",
        "GET " + path + " is answered " + std::to_string(reply.status) + ", " + reply.body);
  });
}

// All of it, what was said to have failed, or some by name.
void Caretaker::retry() {
  const std::string end = dice_.chance(0.2) ? R"(,"dry_run":true})" : "}";
  std::string body = R"({"all":true)";
  if (dice_.chance(0.6)) body += R"(,"error":"no luck*","queue":"default")";
  if (dice_.chance(0.4)) {
    body = wire::ids_json(environment_.disk.view().ids(store::Bucket::fail, {}, 5).records);
    body.pop_back();
  }
  send_("POST", "/fail/retry", body + end, [](const Reply&) {});
}

std::string Caretaker::any_queue() {
  const auto& queues = environment_.scenario.queues;
  const std::string name = queues.at(dice_.below(queues.size()));
  return name.empty() ? std::string{core::kDefaultQueueName} : name;
}

void Caretaker::pause() {
  const std::string queue = any_queue();
  send_("POST", "/queue/" + queue + "/pause", "", [](const Reply&) {});
  after(dice_.between(0us, 40s), [this, queue] { resume(queue); });
}

// Until it is told that it does: otherwise the world would never end. Of a server that dies before it has read
// the request no answer comes.
void Caretaker::resume(const std::string& queue) {
  const auto over = std::make_shared<bool>(false);
  const auto again = [this, queue, over] {
    if (!std::exchange(*over, true)) resume(queue);
  };
  send_("POST", "/queue/" + queue + "/resume", "", [this, over, again](const Reply& reply) {
    if (reply.status != 200) return after(1s, again);
    *over = true;
  });
  after(10s, again);
}

void Caretaker::forget() {
  constexpr std::array kBuckets{store::Bucket::queue, store::Bucket::report, store::Bucket::fail};
  constexpr std::array<const char*, 3> kPaths{"/queue", "/report", "/fail"};
  const std::size_t kind = dice_.below(kBuckets.size());
  Oracle::Wish wish{kBuckets.at(kind), {}, {}, {}};
  std::string body = R"({"all":true)";
  if (dice_.chance(0.4)) {
    wish.ids = environment_.disk.view().ids(wish.bucket, {}, 5).records;
    body = wire::ids_json(*wish.ids);
    body.pop_back();
  } else {
    if (dice_.chance(0.7)) {
      wish.queue = any_queue();
      body += R"(,"queue":")" + *wish.queue + '"';
    }
    if (dice_.chance(0.5)) wish.before = any_date(wish.bucket);
    if (wish.before) body += R"(,"before":)" + std::to_string(core::to_ms(*wish.before));
  }
  if (dice_.chance(0.2))
    return send_("DELETE", kPaths.at(kind), body + R"(,"dry_run":true})", [](const Reply&) {});
  const std::uint64_t number = environment_.oracle.forget_asked(wish);
  send_("DELETE", kPaths.at(kind), body + "}", [this, number](const Reply& reply) {
    if (reply.status == 200) environment_.oracle.forget_answered(number);
  });
}

// Of one that is there.
std::optional<core::Instant> Caretaker::any_date(store::Bucket bucket) {
  constexpr std::size_t kFew = 20;
  std::vector<core::Instant> dates;
  const store::View& view = environment_.disk.view();
  if (bucket == store::Bucket::report) {
    for (const auto& record : view.reports({}, kFew).records) dates.push_back(record.reported_at);
  } else if (bucket == store::Bucket::fail) {
    for (const auto& record : view.fails({}, kFew).records) dates.push_back(record.failed_at);
  } else {
    for (const auto& msg : view.later({}, kFew).records) dates.push_back(msg.accepted_at);
    for (const store::QueueInfo& queue : view.queues()) {
      for (const auto& msg : view.queue(queue.number, {}, kFew).records) {
        dates.push_back(msg.accepted_at);
      }
    }
  }
  if (dates.empty()) return std::nullopt;
  return core::from_us(core::to_ms(dates.at(dice_.below(dates.size()))) * 1000);
}

}  // namespace pena::sim
