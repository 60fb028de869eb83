// The server's clock: the wall clock read once, plus the steady time since. It never goes back.
#pragma once

#include <chrono>

#include "core/instant.hpp"

namespace pena::server {

class Clock {
 public:
  using Steady = std::chrono::steady_clock;

  [[nodiscard]] core::Instant now() const {
    return wall_at_start_ +
           std::chrono::duration_cast<core::Duration>(Steady::now() - steady_at_start_);
  }
  // The same instant for timers.
  [[nodiscard]] Steady::time_point steady(core::Instant at) const {
    return steady_at_start_ + (at - wall_at_start_);
  }

 private:
  Steady::time_point steady_at_start_ = Steady::now();
  core::Instant wall_at_start_{std::chrono::duration_cast<core::Duration>(
      std::chrono::system_clock::now().time_since_epoch())};
};

}  // namespace pena::server
