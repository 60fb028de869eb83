// The last word on a report: what the store knows of the ids that no batch held.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "core/effect.hpp"
#include "store/view.hpp"
#include "turn/search.hpp"

namespace pena::turn {

// An answer to POST /report: of the ids that no batch held those in the bucket `report` are duplicates,
// the others unknown.
struct SettledReply {
  core::RequestId request = 0;
  std::uint64_t reported = 0, duplicate = 0, unknown = 0;
  std::optional<std::uint64_t> held = std::nullopt;  // as that of a ReportReply
  // Of a report whose batch was gone when it came, so much of what it says was not taken under that batch, by
  // an earlier try of the report or another one.
  std::uint64_t not_taken = 0;
  bool not_kept = false;  // as that of a ReportReply
};
// Its batch was gone, and some of what it names was neither held then nor is it in the store: it may have been
// granted in between, with a story that says it was taken.
struct OpenReport {
  SettledReply so_far;
  core::Xid batch;
  std::vector<core::NamedId> left;
  Search search;
};

// Without those ids, for which the store is to be read.
[[nodiscard]] SettledReply settled_so_far(const core::ReportReply& reply);
// An OpenReport: the turn is to be asked who holds those that are `left`, before the store is looked at again.
// Any thread, once the reply has left the turn; throws StoreError.
using Verdict = std::variant<SettledReply, OpenReport>;
[[nodiscard]] Verdict settled(const core::ReportReply& reply, const store::View& view);
[[nodiscard]] Verdict settled(OpenReport report, const store::View& view);

}  // namespace pena::turn
