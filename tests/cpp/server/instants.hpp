#pragma once

#include <chrono>

#include "core/instant.hpp"

namespace pena::server::test {

constexpr core::Instant at(int ms) {
  return core::Instant{} + std::chrono::milliseconds{ms};
}

}  // namespace pena::server::test
