// When a msg that a client said failed is sent again.
#pragma once

#include "core/instant.hpp"
#include "core/limits.hpp"
#include "core/msg.hpp"

namespace pena::core {

// Behind the failure that is the last of its misses: Limits::retry_first, after each further one
// retry_factor times as long, up to retry_most; and up to a quarter more, so that what failed together
// does not come back together. How much more hangs on the msg and the attempt, so it needs no dice.
[[nodiscard]] Duration backoff(const Limits& limits, const QueuedMsg& msg);

}  // namespace pena::core
