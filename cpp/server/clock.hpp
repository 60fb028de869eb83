// The server's two readings of the time, on one scale that begins with the wall clock at the start.
// What is counted (leases, stamps, timers) is steady: it never jumps, and stands still while the
// machine sleeps. What is a date (of records and ids) follows the wall clock. Any thread.
#pragma once

#include <chrono>

#include "core/instant.hpp"

namespace pena::server {

class Clock {
 public:
  using Steady = std::chrono::steady_clock;
  using Wall = core::Instant (*)();

  explicit Clock(Wall wall = system_wall) : wall_(wall), wall_at_start_(wall()) {}

  // Steady.
  [[nodiscard]] core::Instant now() const {
    return wall_at_start_ +
           std::chrono::duration_cast<core::Duration>(Steady::now() - steady_at_start_);
  }
  // By the wall clock, which may go back and forth.
  [[nodiscard]] core::Instant date() const { return wall_(); }
  // The steady instant for timers.
  [[nodiscard]] Steady::time_point steady(core::Instant at) const {
    return steady_at_start_ + (at - wall_at_start_);
  }

 private:
  static core::Instant system_wall() {
    return core::Instant{std::chrono::duration_cast<core::Duration>(
        std::chrono::system_clock::now().time_since_epoch())};
  }

  Wall wall_;
  Steady::time_point steady_at_start_ = Steady::now();
  core::Instant wall_at_start_;
};

}  // namespace pena::server
