// Chance for a simulated world: the same seed gives the same draws.
#pragma once

#include <cstdint>

#include "core/dice.hpp"
#include "core/instant.hpp"

namespace pena::sim {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(core::mix(seed + core::kGoldenRatio)) {}
  // Dice of its own for a part of the world: what one part draws does not change another's draws.
  Dice(std::uint64_t seed, std::uint64_t part) : Dice(core::mix(seed) ^ core::mix(~part)) {}

  std::uint64_t next() {
    state_ += core::kGoldenRatio;
    return core::mix(state_);
  }
  // 0 … n - 1; 0 where n is 0.
  std::uint64_t below(std::uint64_t n) { return n == 0 ? 0 : next() % n; }
  std::uint64_t between(std::uint64_t least, std::uint64_t most) {
    return least + below(most - least + 1);
  }
  core::Duration between(core::Duration least, core::Duration most) {
    return core::Duration{static_cast<core::Duration::rep>(between(
        static_cast<std::uint64_t>(least.count()), static_cast<std::uint64_t>(most.count())))};
  }
  // As between, but often one of the two ends: that is where bounds are wrong.
  core::Duration around(core::Duration least, core::Duration most) {
    const std::uint64_t way = below(4);
    return way == 0 ? least : way == 1 ? most : between(least, most);
  }
  double share() { return static_cast<double>(next() >> 11U) * 0x1p-53; }
  bool chance(double probability) { return share() < probability; }

 private:
  std::uint64_t state_;
};

}  // namespace pena::sim
