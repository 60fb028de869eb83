// What is left of change sets does what all of them do.
#include "store/fold.hpp"

#include <gtest/gtest.h>

#include "random_changes.hpp"
#include "store/memory_store.hpp"

namespace pena::store {
namespace {

using test::id_of;
using test::queued;

std::size_t left_of(const std::vector<ChangeSet>& sets) {
  std::vector<const ChangeSet*> all;
  all.reserve(sets.size());
  for (const ChangeSet& set : sets) all.push_back(&set);
  return fold(all).size();
}

TEST(Fold, WhatComesAndGoesIsLeftOut) {
  EXPECT_EQ(left_of({{core::PutQueue{queued(1)}}, {core::DropQueue{id_of(1)}}}), 0U);
  EXPECT_EQ(left_of({{test::put_batch(7, {queued(1)})}, {core::DropBatch{id_of(7)}}}), 0U);
  EXPECT_EQ(left_of({{core::PutLater{test::due(1, 5)}},
                     {core::DropLater{id_of(1), core::from_us(5)}, core::PutQueue{queued(1)}},
                     {core::DropQueue{id_of(1)}, test::put_batch(7, {queued(1)})}}),
            1U);
  EXPECT_EQ(left_of({{core::PutMeta{kGenerated, 1}}, {core::PutMeta{kGenerated, 2}}}), 1U);
}

TEST(Fold, WhatWasThereIsDroppedAndPut) {
  EXPECT_EQ(left_of({{core::DropQueue{id_of(1)}}, {core::PutQueue{queued(1)}}}), 2U);
  EXPECT_EQ(
      left_of(
          {{core::DropQueue{id_of(1)}}, {core::PutQueue{queued(1)}}, {core::DropQueue{id_of(1)}}}),
      1U);
  EXPECT_EQ(left_of({{test::rest_of_batch(7, {queued(1)})}, {core::DropBatch{id_of(7)}}}), 1U);
}

TEST(Fold, OneMsgInTwoQueuesIsTwoRecords) {
  EXPECT_EQ(left_of({{core::PutQueue{queued(1)}}, {core::DropQueue{id_of(1), 2}}}), 2U);
}

TEST(Fold, DoesWhatAllOfThemDo) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    test::RandomChanges changes{seed};
    const auto one_by_one = make_memory_store();
    const auto folded = make_memory_store();
    for (int round = 0; round < 12; ++round) {
      std::vector<ChangeSet> sets(1 + changes.below(8));
      std::vector<const ChangeSet*> all;
      for (ChangeSet& set : sets) {
        set = changes.next(changes.below(12));
        one_by_one->commit(set);
        all.push_back(&set);
      }
      folded->commit_writes(fold(all));
      ASSERT_EQ(test::contents_of(*folded), test::contents_of(*one_by_one));
    }
  }
}

}  // namespace
}  // namespace pena::store
