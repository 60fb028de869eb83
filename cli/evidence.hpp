// What a run left in its store.
#pragma once

#include <cstdint>
#include <vector>

#include "core/msg.hpp"
#include "store/store.hpp"

namespace pena::cli {

// The records of a run, and what is known of it beside them.
struct Evidence {
  std::uint64_t generated = 0;
  std::uint64_t sent = 0;
  store::BucketCounts buckets;
  std::vector<core::ReportRecord> reports;
  std::vector<core::FailRecord> fails;
  std::vector<core::QueuedMsg> queued, later, held;  // left over where the run was interrupted
  int max_resends = 3;
  std::uint32_t harmless_up_to = 900;  // ms: a longer period ends a client or panics unreported
  bool interrupted = false;            // msgs may be left over
};

// All that the store says; `sent` and the settings are left to whoever ran the server. The store
// must be at rest, for it is read in several transactions.
[[nodiscard]] Evidence evidence_of(const store::View& view);

}  // namespace pena::cli
