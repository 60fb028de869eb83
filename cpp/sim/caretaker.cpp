#include "sim/caretaker.hpp"

#include <array>
#include <utility>

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
  const std::string path = kPaths.at(dice_.below(kPaths.size()));
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

// Until it is told that it does: otherwise the world would never end.
void Caretaker::resume(const std::string& queue) {
  send_("POST", "/queue/" + queue + "/resume", "", [this, queue](const Reply& reply) {
    if (reply.status != 200) after(1s, [this, queue] { resume(queue); });
  });
}

void Caretaker::forget() {
  Oracle::MayForget what;
  const std::uint64_t kind = dice_.below(3);
  what.waiting = kind == 0;
  what.reports = kind == 1;
  what.fails = kind == 2;
  const std::string path = what.waiting ? "/queue" : what.reports ? "/report" : "/fail";
  std::string body = R"({"all":true,"queue":")" + any_queue() + "\"}";
  if (dice_.chance(0.4)) {
    const auto bucket = what.waiting   ? store::Bucket::queue
                        : what.reports ? store::Bucket::report
                                       : store::Bucket::fail;
    body = wire::ids_json(environment_.disk.view().ids(bucket, {}, 5).records);
  } else if (dice_.chance(0.3)) {
    body = R"({"all":true,"dry_run":true})";
    what = {};
  }
  environment_.oracle.forget_asked(what);
  send_("DELETE", path, body, [](const Reply&) {});
}

}  // namespace pena::sim
