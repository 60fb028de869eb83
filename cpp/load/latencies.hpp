// How long things took.
#pragma once

#include <array>
#include <cstdint>

#include "load/link.hpp"
#include "load/load.hpp"

namespace pena::load {

// Counts in buckets that grow with the time, each at most 1/32 wide: a run of any length takes no
// more memory, and a percentile is off by at most 3 %.
class Latencies {
 public:
  void add(Clock::duration took);
  void add(const Latencies& others);
  [[nodiscard]] Spread spread() const;

 private:
  static constexpr std::size_t kSteps = 32;  // to each power of two of microseconds
  static constexpr std::size_t kPowers = 32;

  static std::size_t bucket(std::uint64_t us);
  static double upper_ms(std::size_t bucket);
  [[nodiscard]] double percentile(double share) const;

  std::array<std::uint64_t, kSteps * kPowers> counts_{};
  std::uint64_t samples_ = 0;
  std::uint64_t max_us_ = 0;
};

}  // namespace pena::load
