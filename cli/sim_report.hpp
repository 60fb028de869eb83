// What many worlds came to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "sim/world.hpp"

namespace pena::cli {

struct SimReport {
  std::uint64_t seeds = 0;
  core::Duration simulated{};
  double cpu_seconds = 0.0;
  std::uint64_t msgs = 0, reported = 0, failed = 0;
  sim::Tally tally;
  std::optional<std::pair<sim::Scenario, sim::Outcome>> failure;  // that of the lowest seed

  void add(const sim::Scenario& scenario, const sim::Outcome& outcome);
  [[nodiscard]] double hours() const { return static_cast<double>(simulated.count()) / 3.6e9; }
};

[[nodiscard]] std::string told(const SimReport& report);
[[nodiscard]] std::string json_sim(const SimReport& report);
[[nodiscard]] std::string json_history(const std::string& line);
// For the live line: short enough for 80 columns.
[[nodiscard]] std::string progress(const SimReport& report, std::uint64_t seeds);

}  // namespace pena::cli
