// Chance that can be repeated: a function of its arguments, without a state.
#pragma once

#include <cstdint>

namespace pena::core {

// SplitMix64's output function: a bijection whose values for 1, 2, 3, … pass for random, so the
// k-th draw of a seed is mix(mix(seed) + k * kGoldenRatio). Steele, Lea, Flood: Fast Splittable
// Pseudorandom Number Generators (OOPSLA 2014).
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31U);
}
inline constexpr std::uint64_t kGoldenRatio = 0x9e3779b97f4a7c15ULL;

}  // namespace pena::core
