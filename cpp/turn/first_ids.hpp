// Where the ids of a run begin: behind all that the store may have given.
#pragma once

#include <cstdint>
#include <vector>

#include "core/instant.hpp"
#include "core/xid.hpp"
#include "store/index.hpp"

namespace pena::turn {

using store::kIdSecond;

// The second that ids begin behind. An older store does not say it: there it is that of its last id.
// Throws StoreError where the store says one past the end of dates.
[[nodiscard]] std::uint32_t second_of_last_id(const store::Index& index, core::Instant now);

// What whoever brings ids of his own brought of those that `ids` would come to: of a store that has
// such ids, the process and the machine may be the same again.
[[nodiscard]] std::vector<core::Xid> brought_before(const store::Index& index,
                                                    const core::XidFactory& ids);

}  // namespace pena::turn
