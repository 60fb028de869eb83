// How much of what waits goes into one round. Who comes behind a large request, or behind many, waits
// for a bounded stretch of work before its own is begun.
#pragma once

#include <cstddef>
#include <vector>

#include "core/event.hpp"

namespace pena::turn {

// So many msgs or ids of requests a round, or a single request of more. A commit of as many takes
// some hundredths of a second, beside which its sync is small.
inline constexpr std::size_t kMostOfARound = 32'768;

// Moves the first events of `inbox` behind those of `events`, in order: at least one where there is
// any, and then as many as `most` has room for.
void take_round(std::vector<core::Event>& inbox, std::vector<core::Event>& events,
                std::size_t most = kMostOfARound);

}  // namespace pena::turn
