// A world: a server, its clients, a network and a disk, one seed for all of them, and the oracle
// that judges. Single-threaded; worlds share nothing, so many may run side by side.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/environment.hpp"
#include "sim/scenario.hpp"

namespace pena::sim {

struct Outcome {
  // The law that was broken, and the sentence that says how; nothing where all held.
  std::optional<std::string> broken;
  std::string what;
  TrueTime ended_at{};  // simulated
  std::uint64_t msgs = 0, reported = 0, failed = 0;
  std::uint64_t digest = 0;  // equal for equal runs
  Tally tally;
  std::vector<std::string> history;  // where it was asked for
};

[[nodiscard]] Outcome run(const Scenario& scenario, bool keep_history = false);

// The smallest scenario found that breaks the same law: fewer faults, clients and msgs. `tries`: of
// runs at most.
[[nodiscard]] Scenario shrunk(const Scenario& scenario, const std::string& law, int tries = 400);

}  // namespace pena::sim
