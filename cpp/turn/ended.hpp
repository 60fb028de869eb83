// A page of msgs that have ended, as the store will have them.
#pragma once

#include "core/effect.hpp"
#include "core/event.hpp"
#include "store/index.hpp"
#include "turn/overlay.hpp"

namespace pena::turn {

// Without those that a layer has taken out. Those that only a layer has are not seen yet: nobody has read of
// them either.
[[nodiscard]] core::EndedRead read_ended(const store::Index& index, Layers layers,
                                         const core::WantedEnded& wanted);

}  // namespace pena::turn
