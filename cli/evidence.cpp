#include "cli/evidence.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

namespace pena::cli {
namespace {

constexpr std::size_t kPage = 10'000;

using After = std::optional<core::Xid>;

const core::Xid& place_of(const core::ReportRecord& record, const After& /*kind*/) {
  return record.id;
}
const core::Xid& place_of(const core::FailRecord& record, const After& /*kind*/) {
  return record.msg.id;
}
const core::Xid& place_of(const core::QueuedMsg& msg, const After& /*kind*/) {
  return msg.msg.id;
}
store::LaterPlace place_of(const core::QueuedMsg& msg,
                           const std::optional<store::LaterPlace>& /*kind*/) {
  return {msg.queued_at, msg.msg.id};
}

// All records of one kind, page by page: `read` gives the one after a place.
template <class Place = After, class Read>
auto all(const Read& read) {
  Place after;
  auto page = read(after);
  auto records = std::move(page.records);
  while (page.more) {
    after = place_of(records.back(), after);
    page = read(after);
    std::ranges::move(page.records, std::back_inserter(records));
  }
  return records;
}

}  // namespace

Evidence evidence_of(const store::View& view) {
  Evidence evidence;
  evidence.generated = view.meta(store::kGenerated).value_or(0);
  evidence.buckets = view.counts();
  evidence.reports = all([&](const After& after) { return view.reports(after, kPage); });
  evidence.fails = all([&](const After& after) { return view.fails(after, kPage); });
  for (const store::QueueInfo& queue : view.queues()) {
    auto waits = all([&](const After& after) { return view.queue(queue.number, after, kPage); });
    std::ranges::move(waits, std::back_inserter(evidence.queued));
  }
  using Due = std::optional<store::LaterPlace>;
  evidence.later = all<Due>([&](const Due& after) { return view.later(after, kPage); });
  for (const core::Batch& batch : view.batches()) {
    evidence.held.insert(evidence.held.end(), batch.msgs.begin(), batch.msgs.end());
  }
  return evidence;
}

}  // namespace pena::cli
