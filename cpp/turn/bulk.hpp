// A page of msgs that are to be tried again or forgotten, as the store will have them.
#pragma once

#include "core/effect.hpp"
#include "core/event.hpp"
#include "store/index.hpp"
#include "turn/overlay.hpp"

namespace pena::turn {

// Of those that have ended without what a layer has taken out; what only a layer has is not seen. Of those that
// wait as the layers have them.
[[nodiscard]] core::BulkRead read_bulk(const store::Index& index, Layers layers,
                                       const core::WantedBulk& wanted);
// Whether a layer may have some of those that are wanted and were not seen there.
[[nodiscard]] bool may_have_missed(Layers layers, const core::WantedBulk& wanted,
                                   const core::BulkRead& read);

}  // namespace pena::turn
