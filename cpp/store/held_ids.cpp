#include "store/held_ids.hpp"

#include <algorithm>

namespace pena::store {

Page<core::Xid> held_ids(const std::vector<core::Batch>& batches,
                         const std::optional<core::Xid>& after, std::size_t limit) {
  Page<core::Xid> page;
  for (const core::Batch& batch : batches) {
    for (const core::QueuedMsg& msg : batch.msgs) {
      if (!after || msg.msg.id > *after) page.records.push_back(msg.msg.id);
    }
  }
  std::sort(page.records.begin(), page.records.end());
  page.more = page.records.size() > limit;
  page.records.resize(std::min(limit, page.records.size()));
  return page;
}

}  // namespace pena::store
