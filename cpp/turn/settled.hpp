// The last word on a report: what the store knows of the ids that no batch held.
#pragma once

#include <cstdint>
#include <optional>

#include "core/effect.hpp"
#include "store/view.hpp"

namespace pena::turn {

// An answer to POST /report: of the ids that no batch held those in the bucket `report` are duplicates,
// the others unknown.
struct SettledReply {
  core::RequestId request = 0;
  std::uint64_t reported = 0, duplicate = 0, unknown = 0;
  std::optional<std::uint64_t> held = std::nullopt;  // msgs of the batch that the report named
  // Of a report whose batch was gone when it came, so much of what it says was not taken under that batch, by
  // an earlier try of the report or another one.
  std::uint64_t not_taken = 0;
  bool not_kept = false;  // as that of a ReportReply
};
// Without those ids, for which the store is to be read.
[[nodiscard]] SettledReply settled_so_far(const core::ReportReply& reply);
// Any thread, once the reply has left the turn; throws StoreError.
[[nodiscard]] SettledReply settled(const core::ReportReply& reply, const store::View& view);

}  // namespace pena::turn
