#include "sim/work_watch.hpp"

#include <utility>

#include "sim/law.hpp"
#include "sim/server_process.hpp"

namespace pena::sim {

using namespace std::chrono_literals;

void WorkWatch::look(const ServerProcess* server) {
  const TrueTime now = environment_.timeline.now();
  look_for_work(server, now);
  look_for_sweeps(server, now);
}

// Work does not lie about while a client has nothing to do, whatever a generator promises, where the disk has
// room for what becomes of it; and a generator makes what there is room for, as fast as its rate allows.
void WorkWatch::look_for_work(const ServerProcess* server, TrueTime now) {
  const Scenario& scenario = environment_.scenario;
  const Oracle& oracle = environment_.oracle;
  const std::size_t queued = oracle.queued();
  const auto could_grant_to = [&](const auto& suits) {
    return server != nullptr && server->could_grant(suits) && environment_.disk.has_room_for_one();
  };
  const bool could_grant =
      could_grant_to([&](const core::Xid& client) { return oracle.has_work_for(client); });
  const bool takes_made =
      could_grant_to([&](const core::Xid& client) { return oracle.takes_generated(client); });
  const bool could_make = oracle.generated() < scenario.generate && !environment_.disk.full() &&
                          oracle.waiting() < scenario.limits.queue_msgs;
  const bool moved = std::exchange(grants_seen_, environment_.tally.grants) != grants_seen_;
  if (!could_grant || moved || queued == 0) lies_since_ = now;
  if (!takes_made || moved || !could_make) lacks_since_ = now;
  const double next_s = scenario.rate ? 1.0 / *scenario.rate : 0.0;
  const TrueTime next{static_cast<TrueTime::rep>(next_s * 1e6)};
  law(now - lies_since_ <= 10s && now - lacks_since_ <= 4s + next, "work_waits",
      "a client is free and " + std::to_string(queued) + " msgs wait, but nothing is granted");
}

// What has been kept for long enough goes, or something older does.
void WorkWatch::look_for_sweeps(const ServerProcess* server, TrueTime now) {
  const bool can = server != nullptr && server->is_awake();
  const auto oldest = can ? environment_.oracle.to_be_swept(server->noted_date()) : std::nullopt;
  if (!oldest || std::exchange(to_sweep_, oldest) != oldest) stays_since_ = now;
  law(now - stays_since_ <= 10s, "retention",
      oldest.value_or(core::Xid{}).text() + " is to be swept, and stays");
}

}  // namespace pena::sim
