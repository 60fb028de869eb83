// The records of several msgs each: whatever is put and dropped, they hold what a map would.
#include "store/queue_table.hpp"

#include <gtest/gtest.h>
#include <lmdb.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <set>

#include "lmdb_folder.hpp"
#include "sample.hpp"
#include "store/check.hpp"
#include "store/lmdb_store.hpp"
#include "store/memory_store.hpp"
#include "support/temp_folder.hpp"

namespace pena::store {
namespace {

using core::Xid;
using test::id_of;
using test::kMap;
using test::queued;

class Walk {
 public:
  // Of one queue, or of three whose ids interleave.
  explicit Walk(unsigned seed) : random_(seed), queues_(seed % 2 == 0 ? 3 : 1) {
    for (Store* store : {store_.get(), model_.get()})
      store->commit({core::PutQueueName{2, "mail", true}});
  }

  void commit() {
    ChangeSet changes;
    for (std::size_t steps = 1 + below(4); steps > 0; --steps) add_some(changes);
    store_->commit(changes);
    model_->commit(changes);
  }

  void compare() {
    const auto queue = static_cast<core::QueueNumber>(below(queues_));
    const std::vector<core::QueuedMsg> all = model_->queue(queue, {}, SIZE_MAX).records;
    ASSERT_EQ(store_->queue(queue, {}, SIZE_MAX).records, all);
    ASSERT_EQ(store_->counts(), model_->counts());
    ASSERT_EQ(store_->queues(), model_->queues());
    const std::optional<Xid> after = below(3) == 0 ? std::nullopt : std::optional{some_id()};
    const std::size_t limit = below(5) == 0 ? SIZE_MAX : below(all.size() + 2);
    const auto page = store_->queue(queue, after, limit);
    ASSERT_EQ(page.records, model_->queue(queue, after, limit).records);
    ASSERT_EQ(page.more, model_->queue(queue, after, limit).more);
    const auto ids = store_->ids(Bucket::queue, after, limit);
    ASSERT_EQ(ids.records, model_->ids(Bucket::queue, after, limit).records);
    ASSERT_EQ(ids.more, model_->ids(Bucket::queue, after, limit).more);
    std::vector<Xid> sought(20);
    for (Xid& id : sought) id = some_id();
    ASSERT_EQ(store_->find_all(sought), model_->find_all(sought));
  }

  void restart() {
    store_.reset();
    store_ = open_lmdb_store(folder_ / "store", kMap);
  }

  [[nodiscard]] std::vector<CheckProblem> problems() const {
    return check_lmdb_store(folder_ / "store").problems;
  }

 private:
  [[nodiscard]] std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_);
  }
  [[nodiscard]] core::QueueNumber queue_of(std::uint16_t number) const {
    return static_cast<core::QueueNumber>(number % queues_);
  }
  [[nodiscard]] core::DropQueue drop_of(std::uint16_t number) const {
    return {id_of(number), queue_of(number)};
  }
  [[nodiscard]] Xid some_id() { return id_of(static_cast<std::uint16_t>(below(last_ + 2U))); }

  void add_some(ChangeSet& changes) {
    switch (below(8)) {
      case 0:
      case 1:
        for (std::size_t count = 1 + below(90); count > 0; --count) {
          last_ = static_cast<std::uint16_t>(last_ + 1 + below(3));
          put(changes, last_);
        }
        break;
      case 2:  // one that comes back
        put(changes, static_cast<std::uint16_t>(1 + below(last_ + 1U)));
        break;
      case 3:  // a lost batch
        for (std::size_t count = 1 + below(60), at = below(last_ + 1U); count > 0 && at < last_;
             --count) {
          put(changes, static_cast<std::uint16_t>(++at));
        }
        break;
      case 4:  // one that is dropped and put, or put and dropped
        if (const auto at = there_.lower_bound(static_cast<std::uint16_t>(below(last_ + 1U)));
            at != there_.end()) {
          const std::uint16_t number = *at;
          changes.emplace_back(drop_of(number));
          there_.erase(at);
          put(changes, number);
          if (below(2) == 0) {
            changes.emplace_back(drop_of(number));
            there_.erase(number);
          }
        }
        break;
      case 5:
        drop(changes, below(there_.size() + 1), 1);
        break;
      case 6:
        drop(changes, 0, 1 + below(60));
        break;
      default:
        drop(changes, below(there_.size() + 1), 1 + below(120));
    }
  }
  void put(ChangeSet& changes, std::uint16_t number) {
    if (!there_.insert(number).second) return;
    constexpr std::size_t kSizes[] = {0, 1, 7, 20, 20, 20, 60, 500, 1900, 9000};
    core::QueuedMsg msg = queued(number, std::string(kSizes[below(std::size(kSizes))], 'p'));
    msg.msg.queue = queue_of(number);
    msg.misses.resize(below(4), core::Miss{msg.misses.front()});
    msg.attempts = static_cast<std::uint16_t>(msg.misses.size());
    for (std::size_t i = 0; i < msg.misses.size(); ++i) {
      msg.misses[i].batch = id_of(static_cast<std::uint16_t>(60'000 + i));
    }
    changes.emplace_back(core::PutQueue{msg});
  }
  // So many from the place `at` on; in any order, now and then.
  void drop(ChangeSet& changes, std::size_t at, std::size_t count) {
    auto begin = there_.begin();
    std::advance(begin, std::min(at, there_.size()));
    auto end = begin;
    for (; count > 0 && end != there_.end(); --count) ++end;
    std::vector<std::uint16_t> numbers(begin, end);
    if (below(4) == 0) std::ranges::shuffle(numbers, random_);
    for (const std::uint16_t number : numbers) changes.emplace_back(drop_of(number));
    there_.erase(begin, end);
  }

  std::mt19937 random_;
  std::size_t queues_;
  pena::test::TempFolder folder_;
  std::unique_ptr<Store> store_ = open_lmdb_store(folder_ / "store", kMap);
  std::unique_ptr<Store> model_ = make_memory_store();
  std::set<std::uint16_t> there_;
  std::uint16_t last_ = 0;
};

TEST(QueueTable, HoldsWhatAMapWould) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Walk walk(seed);
    for (int commits = 0; commits < 25; ++commits) {
      walk.commit();
      if (commits == 12) walk.restart();
      ASSERT_NO_FATAL_FAILURE(walk.compare()) << "commit " << commits;
    }
    for (const CheckProblem& problem : walk.problems()) ADD_FAILURE() << problem.what;
  }
}

class QueueTableTest : public testing::Test {
 protected:
  [[nodiscard]] std::vector<std::size_t> msgs_in_records() const {
    const auto env = LmdbEnv::open(folder_ / "store", 0, false);
    const ReadTxn txn(*env);
    Cursor cursor(*env, txn.get(), Table::queue);
    std::vector<std::size_t> counts;
    each_queued(cursor, {}, [&](const Xid& key, std::string_view value) {
      std::vector<QueuedSlice> slices;
      slice_queued(key, value, slices);
      counts.push_back(slices.size());
      return true;
    });
    return counts;
  }
  void put(const std::vector<std::uint16_t>& numbers) {
    ChangeSet changes;
    for (const std::uint16_t number : numbers) {
      changes.emplace_back(core::PutQueue{queued(number, "")});
    }
    store_->commit(changes);
  }
  void put(std::uint16_t first, std::uint16_t last) {
    std::vector<std::uint16_t> numbers(static_cast<std::size_t>(last - first + 1));
    std::iota(numbers.begin(), numbers.end(), first);
    put(numbers);
  }
  pena::test::TempFolder folder_;
  std::unique_ptr<Store> store_ = open_lmdb_store(folder_ / "store", kMap);
};

TEST_F(QueueTableTest, FindsIdsInAnyOrder) {
  put(10, 200);
  put(300, 400);
  const std::vector<Xid> sought = {id_of(500), id_of(5),   id_of(250), id_of(300), id_of(10),
                                   id_of(9),   id_of(200), id_of(201), id_of(400), id_of(401)};
  std::vector<bool> found;
  for (const auto& bucket : store_->find_all(sought)) found.push_back(bucket == Bucket::queue);
  EXPECT_EQ(found, (std::vector{false, false, false, true, true, false, true, false, true, false}));
}

TEST_F(QueueTableTest, APageBehindTheLastIsEmpty) {
  put(1, 20);
  for (const std::size_t limit : {std::size_t{0}, std::size_t{1}, SIZE_MAX}) {
    const auto page = store_->queue(0, id_of(20), limit);
    EXPECT_TRUE(page.records.empty());
    EXPECT_FALSE(page.more);
    EXPECT_EQ(store_->queue(0, id_of(19), limit).more, limit == 0);
  }
}

TEST_F(QueueTableTest, WhatComesTogetherSharesRecords) {
  put(1, 15);
  EXPECT_EQ(msgs_in_records(), std::vector<std::size_t>{15});
  put(16, 17);
  EXPECT_EQ(msgs_in_records(), (std::vector<std::size_t>{15, 2}));
  put(100, 1099);
  const std::vector<std::size_t> counts = msgs_in_records();
  EXPECT_LT(counts.size(), 80U);
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), std::size_t{0}), 1017U);
}

// Two to a page, none on pages of its own.
TEST_F(QueueTableTest, RecordsFillTheirPages) {
  put(1, 5000);
  const auto env = LmdbEnv::open(folder_ / "store", 0, false);
  const ReadTxn txn(*env);
  MDB_stat stat{};
  ASSERT_EQ(mdb_stat(txn.get(), env->table(Table::queue), &stat), 0);
  EXPECT_EQ(stat.ms_overflow_pages, 0U);
  EXPECT_LE(stat.ms_leaf_pages, stat.ms_entries / 2 + 1);
}

TEST_F(QueueTableTest, AMsgThatComesBackJoinsWhatItFallsAmong) {
  put({1, 2, 3, 5, 6});
  put(10, 12);
  put(4, 4);
  EXPECT_EQ(msgs_in_records(), (std::vector<std::size_t>{6, 3}));
  put(8, 8);  // among none
  EXPECT_EQ(msgs_in_records(), (std::vector<std::size_t>{6, 1, 3}));
}

// A record that is full is halved; were it filled again and again, each msg would have its own.
TEST_F(QueueTableTest, WhatComesBackOneByOneSharesRecords) {
  std::vector<std::uint16_t> even(1000);
  for (std::size_t i = 0; i < even.size(); ++i) even[i] = static_cast<std::uint16_t>(2 * i + 2);
  put(even);
  const std::size_t before = msgs_in_records().size();
  for (std::uint16_t number = 1; number < 800; number += 2) put(number, number);
  EXPECT_LT(msgs_in_records().size(), 3 * before);
}

TEST_F(QueueTableTest, WhatComesBackBetweenDropsSharesRecords) {
  put(2001, 4000);
  const std::size_t before = msgs_in_records().size();
  ChangeSet changes;
  for (std::uint16_t number = 1; number <= 1000; ++number) {
    changes.emplace_back(core::DropQueue{id_of(static_cast<std::uint16_t>(number + 2000))});
    changes.emplace_back(core::PutQueue{queued(number, "")});
  }
  store_->commit(changes);
  EXPECT_LT(msgs_in_records().size(), before + 3);
}

TEST_F(QueueTableTest, WhatComesBackTogetherSharesRecords) {
  put(1001, 2000);
  const std::size_t before = msgs_in_records().size();
  put(1, 1000);  // in front of all
  EXPECT_LT(msgs_in_records().size(), 2 * before + 2);
  std::vector<std::uint16_t> odd(200);  // among which the others fall
  for (std::size_t i = 0; i < odd.size(); ++i) odd[i] = static_cast<std::uint16_t>(3001 + 2 * i);
  put(odd);
  const std::size_t among = msgs_in_records().size();
  for (std::uint16_t& number : odd) ++number;
  put(odd);
  EXPECT_LT(msgs_in_records().size(), among + 25);
  EXPECT_EQ(store_->counts().queue, 2400U);
}

TEST_F(QueueTableTest, AFailedCommitLeavesNothingToTheNext) {
  EXPECT_THROW(store_->commit({core::PutQueue{queued(1)}, core::PutQueue{queued(2)},
                               core::DropQueue{id_of(7)}, core::DropBatch{id_of(9)}}),
               StoreError);
  put(3, 3);
  EXPECT_EQ(msgs_in_records(), std::vector<std::size_t>{1});
  EXPECT_EQ(store_->counts().queue, 1U);
}

}  // namespace
}  // namespace pena::store
