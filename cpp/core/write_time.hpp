// How long a client may leave what it is sent unread.
#pragma once

#include <algorithm>

#include "core/limits.hpp"

namespace pena::core {

// As long as a lease, too: whoever works on the first msgs of a batch need not read the others
// meanwhile.
[[nodiscard]] inline Duration longest_write(const Limits& limits) {
  return std::max(limits.stalled_write_time, limits.timing.lease);
}

}  // namespace pena::core
