#include "sim/retrier.hpp"

#include <utility>

#include "wire/json.hpp"

namespace pena::sim {

using namespace std::chrono_literals;

Retrier::Retrier(Environment& environment, Post post)
    : environment_(environment), post_(std::move(post)), dice_(environment.scenario.seed, 13) {}

void Retrier::start() {
  const TrueTime next = environment_.timeline.now() + dice_.between(1s, 60s);
  environment_.timeline.at(next, shared_from_this(), [this] {
    if (environment_.timeline.now() >= environment_.scenario.calm_at) return;
    post_(body());
    start();
  });
}

std::string Retrier::body() {
  const std::string end = dice_.chance(0.2) ? R"(,"dry_run":true})" : "}";
  if (dice_.chance(0.4)) return R"({"all":true)" + end;
  if (dice_.chance(0.3)) return R"({"all":true,"error":"no luck*","queue":"default")" + end;
  const auto failed = environment_.disk.view().ids(store::Bucket::fail, {}, 5);
  std::string json = wire::ids_json(failed.records);
  json.pop_back();
  return json + end;
}

}  // namespace pena::sim
