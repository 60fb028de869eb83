// The conservation law: what must hold of a store after any run whatever. Every msg that was
// accepted is in exactly one of queue, batch, report and fail, none was sent more than
// max_resends + 1 times, and no two clients held the same msg at once.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <vector>

#include "store/store.hpp"

namespace pena::test {

struct Whereabouts {
  std::map<core::Xid, std::vector<store::Bucket>> places;
  std::map<core::Xid, std::vector<core::Miss>> misses;
};

inline Whereabouts whereabouts(const store::BucketView& view) {
  Whereabouts all;
  const auto note = [&all](const core::Xid& id, store::Bucket bucket,
                           std::vector<core::Miss> misses) {
    all.places[id].push_back(bucket);
    all.misses[id] = std::move(misses);
  };
  for (auto& msg : view.queue(std::nullopt, SIZE_MAX).records) {
    note(msg.msg.id, store::Bucket::queue, std::move(msg.misses));
  }
  for (auto& batch : view.batches()) {
    for (auto& msg : batch.msgs) note(msg.msg.id, store::Bucket::batch, std::move(msg.misses));
  }
  for (auto& record : view.reports(std::nullopt, SIZE_MAX).records) {
    note(record.id, store::Bucket::report, std::move(record.misses));
  }
  for (auto& record : view.fails(std::nullopt, SIZE_MAX).records) {
    note(record.msg.id, store::Bucket::fail, std::move(record.misses));
  }
  return all;
}

// `accepted`: how many msgs were generated and answered 201, in all. `view`: of a store that no
// server changes meanwhile.
inline testing::AssertionResult is_conserved(const store::BucketView& view, std::uint64_t accepted,
                                             int max_resends = 3) {
  const Whereabouts all = whereabouts(view);
  for (const auto& [id, places] : all.places) {
    if (places.size() == 1) continue;
    return testing::AssertionFailure() << id.text() << " is in " << places.size() << " places";
  }
  if (all.places.size() != accepted) {
    return testing::AssertionFailure()
           << accepted << " msgs were accepted, and " << all.places.size() << " are there";
  }
  const store::BucketCounts counts = view.counts();
  if (counts.queue + counts.batch + counts.report + counts.fail != accepted) {
    return testing::AssertionFailure() << "the counts do not add up to " << accepted;
  }
  for (const auto& [id, misses] : all.misses) {
    const bool failed = all.places.at(id).front() == store::Bucket::fail;
    if (static_cast<int>(misses.size()) > max_resends + (failed ? 1 : 0)) {
      return testing::AssertionFailure() << id.text() << " was sent too often";
    }
    for (std::size_t i = 1; i < misses.size(); ++i) {
      if (misses[i - 1].missed_at <= misses[i].granted_at) continue;
      return testing::AssertionFailure() << id.text() << " was held by two clients at once";
    }
  }
  return testing::AssertionSuccess();
}

}  // namespace pena::test
