#include "store/store.hpp"

#include <algorithm>

#include "store/held_ids.hpp"

namespace pena::store {

std::string_view word(Bucket bucket) {
  switch (bucket) {
    case Bucket::queue:
      return "queue";
    case Bucket::batch:
      return "batch";
    case Bucket::report:
      return "report";
    case Bucket::fail:
      return "fail";
  }
  return "?";
}

void refuse_put(Bucket bucket, const core::Xid& id) {
  throw StoreError("a bug: " + id.text() + " is to be put into the bucket " +
                   std::string{word(bucket)} + ", but is in it already");
}

void refuse_drop(Bucket bucket, const core::Xid& id) {
  throw StoreError("a bug: " + id.text() + " is to be dropped from the bucket " +
                   std::string{word(bucket)} + ", but is not in it");
}

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
