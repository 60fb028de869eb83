// Time as the dispatcher sees it: a point on a line that never goes back within one process.
//
// The server's clock is the wall clock read once at start plus the steady time since, so one
// Instant serves both for leases (its differences are steady) and for records (it reads as a date).
#pragma once

#include <chrono>
#include <cstdint>

namespace pena::core {

using Duration = std::chrono::microseconds;

// A clock tag without now(): the core has no way to read a clock.
struct Timeline {
  using duration = Duration;
  using rep = Duration::rep;
  using period = Duration::period;
  using time_point = std::chrono::time_point<Timeline>;
  static constexpr bool is_steady = true;
};

// Microseconds since the Unix epoch.
using Instant = Timeline::time_point;

[[nodiscard]] constexpr std::int64_t to_us(Instant instant) {
  return instant.time_since_epoch().count();
}
[[nodiscard]] constexpr Instant from_us(std::int64_t microseconds) {
  return Instant{Duration{microseconds}};
}
[[nodiscard]] constexpr std::int64_t to_ms(Instant instant) {
  return to_us(instant) / 1000;
}
[[nodiscard]] constexpr std::int64_t to_ms(Duration duration) {
  return duration.count() / 1000;
}
[[nodiscard]] constexpr std::uint32_t unix_seconds(Instant instant) {
  return static_cast<std::uint32_t>(to_us(instant) / 1'000'000);
}

}  // namespace pena::core
