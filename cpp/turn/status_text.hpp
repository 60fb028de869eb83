// How it stands, as people are told: what the turn said, and what the store has beside it.
//
// Pure. For a thread that may wait for the disk.
#pragma once

#include <optional>
#include <string>

#include "core/status.hpp"
#include "store/view.hpp"

namespace pena::turn {

// The body of GET /clients, GET /batch or GET /stats. `queue`: the name of the one that was asked for; of a
// batch only its msgs are told then. Errors: StoreError.
[[nodiscard]] std::string status_text(const core::Status& status,
                                      const std::optional<std::string>& queue,
                                      const store::View& view);

}  // namespace pena::turn
