// The conservation law: what must hold of a store after any run whatever. Every msg that was
// accepted is in exactly one of queue, later, batch, report and fail, none was sent more than
// max_resends + 1 times, and no two clients held the same msg at once.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "store/view.hpp"
#include "support/whereabouts.hpp"

namespace pena::test {

// `most`: as many attempts may have been missed there.
inline testing::AssertionResult attempts_follow(const core::Xid& id,
                                                const std::vector<core::Miss>& misses, int most) {
  if (static_cast<int>(misses.size()) > most) {
    return testing::AssertionFailure() << id.text() << " was sent too often";
  }
  for (std::size_t i = 1; i < misses.size(); ++i) {
    if (misses[i - 1].missed_at <= misses[i].granted_at) continue;
    return testing::AssertionFailure() << id.text() << " was held by two clients at once";
  }
  return testing::AssertionSuccess();
}

// `accepted`: how many msgs were generated and answered 201, in all. `view`: of a store that no
// server changes meanwhile.
inline testing::AssertionResult is_conserved(const store::View& view, std::uint64_t accepted,
                                             int max_resends = 3) {
  Whereabouts all;
  testing::AssertionResult attempts = testing::AssertionSuccess();
  const auto look = [&](const core::Xid& id, const std::vector<core::Miss>& misses, int most) {
    if (attempts) attempts = attempts_follow(id, misses, most);
  };
  for (const store::QueueInfo& queue : view.queues()) {
    for (const auto& queued : view.queue(queue.number, std::nullopt, SIZE_MAX).records) {
      all.add(queued);
      look(queued.msg.id, queued.misses, max_resends);
    }
  }
  for (const auto& queued : view.later(std::nullopt, SIZE_MAX).records) {
    all.add_later(queued);
    look(queued.msg.id, queued.misses, max_resends);
  }
  for (const auto& batch : view.batches()) {
    all.add(batch);
    for (const auto& msg : batch.msgs) look(msg.msg.id, msg.misses, max_resends);
  }
  for (const auto& record : view.reports(std::nullopt, SIZE_MAX).records) {
    all.add(record);
    look(record.id, record.misses, max_resends);
  }
  for (const auto& record : view.fails(std::nullopt, SIZE_MAX).records) {
    all.add(record);
    look(record.msg.id, record.misses, max_resends + 1);
  }
  if (!all.broken().empty()) return testing::AssertionFailure() << all.broken();
  if (all.msgs() != accepted) {
    return testing::AssertionFailure()
           << accepted << " msgs were accepted, and " << all.msgs() << " are there";
  }
  const store::BucketCounts counts = view.counts();
  if (counts.queue + counts.later + counts.batch + counts.report + counts.fail != accepted) {
    return testing::AssertionFailure() << "the counts do not add up to " << accepted;
  }
  return attempts;
}

}  // namespace pena::test
