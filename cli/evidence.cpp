#include "cli/evidence.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

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

// All records of one kind, page by page: `read` gives the one after an id.
template <class Read>
auto all(const Read& read) {
  auto page = read(std::nullopt);
  auto records = std::move(page.records);
  while (page.more) {
    page = read(id_of(records.back()));
    std::ranges::move(page.records, std::back_inserter(records));
  }
  return records;
}

}  // namespace

Evidence evidence_of(const store::View& view) {
  using After = std::optional<core::Xid>;
  Evidence evidence;
  evidence.generated = view.meta(store::kGenerated).value_or(0);
  evidence.buckets = view.counts();
  evidence.reports = all([&](After after) { return view.reports(after, kPage); });
  evidence.fails = all([&](After after) { return view.fails(after, kPage); });
  evidence.queued = all([&](After after) { return view.queue(after, kPage); });
  for (const core::Batch& batch : view.batches()) {
    evidence.held.insert(evidence.held.end(), batch.msgs.begin(), batch.msgs.end());
  }
  return evidence;
}

}  // namespace pena::cli
