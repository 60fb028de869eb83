// The client's clock: steady time. Its zero means nothing; only differences are used.
#pragma once

#include <chrono>

#include "core/instant.hpp"

namespace pena::client {

[[nodiscard]] inline core::Instant now() {
  return core::Instant{std::chrono::duration_cast<core::Duration>(
      std::chrono::steady_clock::now().time_since_epoch())};
}
[[nodiscard]] inline std::chrono::steady_clock::time_point steady(core::Instant at) {
  return std::chrono::steady_clock::time_point{at.time_since_epoch()};
}

}  // namespace pena::client
