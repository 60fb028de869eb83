#include "cli/evidence.hpp"

#include <algorithm>
#include <iterator>
#include <optional>

namespace pena::cli {
namespace {

constexpr std::size_t kPage = 10'000;

const core::Xid& id_of(const core::ReportRecord& record) {
  return record.id;
}
const core::Xid& id_of(const core::FailRecord& record) {
  return record.msg.id;
}
const core::Xid& id_of(const core::QueuedMsg& msg) {
  return msg.msg.id;
}

// All records of one kind, page by page.
template <class Record>
std::vector<Record> all(const store::BucketView& view,
                        store::Page<Record> (store::BucketView::*read)(std::optional<core::Xid>,
                                                                       std::size_t) const) {
  std::vector<Record> records;
  for (bool more = true; more;) {
    std::optional<core::Xid> after;
    if (!records.empty()) after = id_of(records.back());
    store::Page<Record> page = (view.*read)(after, kPage);
    more = page.more;
    std::ranges::move(page.records, std::back_inserter(records));
  }
  return records;
}

}  // namespace

Evidence evidence_of(const store::BucketView& view) {
  Evidence evidence;
  evidence.generated = view.meta("generated").value_or(0);
  evidence.buckets = view.counts();
  evidence.reports = all(view, &store::BucketView::reports);
  evidence.fails = all(view, &store::BucketView::fails);
  evidence.queued = all(view, &store::BucketView::queue);
  for (const core::Batch& batch : view.batches()) {
    evidence.held.insert(evidence.held.end(), batch.msgs.begin(), batch.msgs.end());
  }
  return evidence;
}

}  // namespace pena::cli
