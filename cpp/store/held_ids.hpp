// The ids of held msgs as one page: the bucket `batch` is keyed by batch, so they are sorted here.
#pragma once

#include <optional>
#include <vector>

#include "core/msg.hpp"
#include "store/records.hpp"

namespace pena::store {

[[nodiscard]] Page<core::Xid> held_ids(const std::vector<core::Batch>& batches,
                                       const std::optional<core::Xid>& after, std::size_t limit);

}  // namespace pena::store
