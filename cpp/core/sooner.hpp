// The first of several dates, of which each may be none.
#pragma once

#include <optional>

#include "core/instant.hpp"

namespace pena::core {

[[nodiscard]] inline std::optional<Instant> sooner(std::optional<Instant> one,
                                                   std::optional<Instant> other) {
  if (!one || !other) return one ? one : other;
  return *one < *other ? one : other;
}

}  // namespace pena::core
