// A report, by msg.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/event.hpp"
#include "core/msg.hpp"

namespace pena::core {

// What a report says of one msg.
struct Verdict {
  Xid id;
  std::optional<MissReason> missed;  // none: processed
  const FailedId* failed = nullptr;  // what was said of it where it failed
  const Result* result = nullptr;    // what came out of it
};

// What a report says, by msg. Valid as long as the report.
class Verdicts {
 public:
  // Processed wins over failed, failed over refused, where a report contradicts itself: work that
  // was done is not done again.
  explicit Verdicts(const Reported& report) {
    said_.reserve(report.ids.size() + report.failed.size() + report.refused.size());
    for (const Xid& id : report.ids) said_.push_back({id, {}, nullptr});
    for (const FailedId& failed : report.failed) {
      said_.push_back({failed.id, MissReason::failed, &failed});
    }
    for (const Xid& id : report.refused) said_.push_back({id, MissReason::refused, nullptr});
    // Most reports ascend as their batch does.
    if (!std::ranges::is_sorted(said_, {}, &Verdict::id)) {
      std::ranges::stable_sort(said_, {}, &Verdict::id);
    }
    for (const Result& result : report.results) {
      const auto at = std::ranges::lower_bound(said_, result.id, {}, &Verdict::id);
      if (at != said_.end() && at->id == result.id) at->result = &result;
    }
  }

  // Null where it says nothing. Quick for those who ask in the order of the ids.
  [[nodiscard]] const Verdict* find(const Xid& id) {
    if (next_ == said_.size() || said_[next_].id != id) {
      const auto at = std::ranges::lower_bound(said_, id, {}, &Verdict::id);
      next_ = static_cast<std::size_t>(at - said_.begin());
    }
    if (next_ == said_.size() || said_[next_].id != id) return nullptr;
    return &said_[next_++];
  }

  [[nodiscard]] const std::vector<Verdict>& all() const { return said_; }

 private:
  std::vector<Verdict> said_;  // sorted; of several on one msg the first counts
  std::size_t next_ = 0;
};

}  // namespace pena::core
