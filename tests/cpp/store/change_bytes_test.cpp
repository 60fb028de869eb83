// Change sets as bytes: there and back, byte for byte, and what is none is refused.
#include "store/change_bytes.hpp"

#include <gtest/gtest.h>

#include "outcomes.hpp"
#include "random_changes.hpp"
#include "store/memory_store.hpp"

namespace pena::store {
namespace {

using test::id_of;
using test::queued;

ChangeSet one_of_each() {
  return {core::PutQueue{test::queued_in(2, 1)},
          core::DropQueue{id_of(2), 2},
          test::rest_of_batch(7, {queued(3)}),
          core::DropBatch{id_of(8)},
          core::PutReport{test::reported(4)},
          core::PutFail{test::failed(5)},
          core::PutMeta{"generated", 17},
          core::PutLater{test::due(6, 77)},
          core::DropLater{id_of(6), core::from_us(77)},
          core::DropReport{id_of(9)},
          core::DropFail{id_of(10)},
          core::PutKey{2, "key 1", id_of(1)},
          core::DropKey{2, "key 2"},
          core::PutQueueName{2, "mail", true}};
}

std::string bytes_of(const ChangeSet& changes) {
  std::string bytes;
  encode(changes, bytes);
  return bytes;
}

TEST(ChangeBytes, EveryWriteComesBack) {
  const ChangeSet changes = one_of_each();
  const ChangeSet back = decode_changes(bytes_of(changes));
  ASSERT_EQ(back.size(), changes.size());
  for (std::size_t at = 0; at < back.size(); ++at) EXPECT_EQ(back[at].index(), changes[at].index());
  EXPECT_EQ(bytes_of(back), bytes_of(changes));
  EXPECT_EQ(std::get<core::PutQueue>(back[0]).msg, test::queued_in(2, 1));
  EXPECT_TRUE(std::get<core::PutBatch>(back[2]).replaces);
  EXPECT_EQ(std::get<core::PutFail>(back[5]).record, test::failed(5));
  EXPECT_EQ(std::get<core::DropLater>(back[8]).due_at, core::from_us(77));
  EXPECT_TRUE(std::get<core::PutQueueName>(back[13]).paused);
}

TEST(ChangeBytes, NoneIsAChangeSet) {
  EXPECT_TRUE(decode_changes(bytes_of({})).empty());
}

TEST(ChangeBytes, WhatIsChangedOrCutOffIsRefused) {
  const std::string good = bytes_of(one_of_each());
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    EXPECT_THROW((void)decode_changes(bad), StoreError) << at;
    EXPECT_THROW((void)decode_changes(std::string_view{good}.substr(0, at)), StoreError) << at;
  }
}

TEST(ChangeBytes, DoWhatTheChangeSetDoes) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    test::RandomChanges changes{seed};
    const auto straight = make_memory_store();
    const auto through = make_memory_store();
    for (int round = 0; round < 40; ++round) {
      const ChangeSet set = changes.next(changes.below(12));
      EXPECT_LE(least_bytes(set, SIZE_MAX), bytes_of(set).size());
      straight->commit(set);
      through->commit(decode_changes(bytes_of(set)));
    }
    ASSERT_EQ(test::contents_of(*through), test::contents_of(*straight));
  }
}

}  // namespace
}  // namespace pena::store
