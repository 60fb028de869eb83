// The order of settling in LMDB: what is in the tail, and what in records, is nothing that a reader sees.
#include "store/settled_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <random>

#include "lmdb_folder.hpp"
#include "outcomes.hpp"
#include "sample.hpp"
#include "store/check.hpp"
#include "store/lmdb_env.hpp"
#include "store/lmdb_store.hpp"
#include "store/memory_store.hpp"
#include "support/temp_folder.hpp"

namespace pena::store {
namespace {

using test::failed;
using test::id_of;
using test::kMap;
using test::reported;
using testing::ElementsAre;
using testing::IsEmpty;

// Follows the order until the pipe ends and nothing new comes. False where a place is missing.
bool reads_all_in_order(const std::string& path, int ended) {
  const auto view = open_lmdb_view(path);
  std::uint64_t since = 0;
  pollfd writer{ended, POLLIN, 0};
  for (bool over = false; true;) {
    const auto page = view->reports_since(since, 50);
    for (const core::ReportRecord& record : page.records) {
      if (record.order != ++since) return false;
    }
    if (over && page.records.empty()) return since >= 2996;
    over = ::poll(&writer, 1, 0) > 0;
  }
}

class SettledTableTest : public testing::Test {
 protected:
  void report(std::uint16_t first, std::uint16_t behind) {
    ChangeSet changes;
    for (std::uint16_t number = first; number < behind; ++number) {
      changes.emplace_back(core::PutReport{reported(number)});
    }
    store_->commit(changes);
  }
  void forget(std::uint16_t first, std::uint16_t behind) {
    ChangeSet changes;
    for (std::uint16_t number = first; number < behind; ++number) {
      changes.emplace_back(core::DropReport{id_of(number)});
    }
    store_->commit(changes);
  }
  void open_again() {
    store_.reset();
    store_ = open_lmdb_store(folder_.path(), kMap);
  }
  // How many ids each record has, and the tail behind them.
  [[nodiscard]] std::vector<std::size_t> sizes(Table table = Table::reported) const {
    const auto env = LmdbEnv::open(folder_.path(), 0, false);
    const ReadTxn txn(*env);
    KeyCursor cursor(*env, txn.get(), table);
    std::vector<std::size_t> sizes;
    for (bool there = cursor.first(); there; there = cursor.next()) {
      std::vector<core::Xid> ids;
      decode_settled(name_of(table), settled_key(table, cursor.key()), cursor.value(), ids);
      sizes.push_back(ids.size());
    }
    sizes.push_back(settled_tail(*env, txn.get(), table).value_or(SettledTail{}).ids.size());
    return sizes;
  }
  [[nodiscard]] std::vector<std::string> problems() const {
    std::vector<std::string> told;
    for (const CheckProblem& problem : check_lmdb_store(folder_.path()).problems) {
      told.push_back(problem.bucket + " " + problem.id + ": " + problem.what);
    }
    return told;
  }
  pena::test::TempFolder folder_;
  std::unique_ptr<Store> store_ = open_lmdb_store(folder_.path(), kMap);
};

TEST_F(SettledTableTest, SmallCommitsMakeNoRecordsBeforeTheTailIsLong) {
  report(1, 101);
  EXPECT_THAT(sizes(), ElementsAre(100));
  report(101, 129);
  EXPECT_THAT(sizes(), ElementsAre(kMostOfTail));
  report(129, 130);
  EXPECT_THAT(sizes(), ElementsAre(129, 0));
  report(130, 131);
  EXPECT_THAT(sizes(), ElementsAre(129, 1));
  EXPECT_EQ(store_->report(id_of(130))->order, 130U);
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(SettledTableTest, OneLargeCommitMakesRecordsAsLongAsTheyMayBe) {
  report(1, 1001);
  EXPECT_THAT(sizes(), ElementsAre(168, 168, 168, 168, 168, 160, 0));
  open_again();
  report(1001, 1002);
  EXPECT_EQ(store_->report(id_of(1001))->order, 1001U);
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(SettledTableTest, APageGoesOnFromARecordIntoTheTail) {
  report(1, 131);
  report(131, 141);
  EXPECT_THAT(sizes(), ElementsAre(130, 10));
  for (std::uint64_t since = 0; since <= 141; ++since) {
    const auto page = store_->reports_since(since, 5);
    EXPECT_EQ(page.records.size(),
              std::min<std::uint64_t>(5, 140 - std::min<std::uint64_t>(140, since)));
    EXPECT_EQ(page.more, since + 5 < 140);
    if (!page.records.empty()) {
      EXPECT_EQ(page.records.front().order, since + 1);
    }
  }
}

TEST_F(SettledTableTest, WhatIsAllHolesIsNoRecord) {
  report(1, 130);
  report(130, 140);
  forget(1, 130);
  EXPECT_THAT(sizes(), ElementsAre(10));
  EXPECT_EQ(store_->reports_since(0, 1).first, 130U);
  forget(130, 140);
  EXPECT_THAT(sizes(), ElementsAre(10)) << "it says which place is next";
  EXPECT_EQ(store_->reports_since(0, 1).first, 140U);
  open_again();
  report(1, 130);
  EXPECT_EQ(store_->report(id_of(1))->order, 140U);
  EXPECT_THAT(sizes(), ElementsAre(139, 0));
  EXPECT_THAT(problems(), IsEmpty());
}

// What is dropped in the commit that makes a record of the tail.
TEST_F(SettledTableTest, HolesGoIntoARecordToo) {
  report(1, 121);
  ChangeSet changes{core::DropReport{id_of(7)}, core::DropReport{id_of(120)}};
  for (std::uint16_t number = 200; number < 220; ++number) {
    changes.emplace_back(core::PutReport{reported(number)});
  }
  changes.emplace_back(core::DropReport{id_of(219)});
  store_->commit(changes);
  EXPECT_THAT(sizes(), ElementsAre(140, 0));
  EXPECT_EQ(store_->reports_since(0, 999).records.size(), 137U);
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(SettledTableTest, ACommitThatFailedLeavesNoPlaces) {
  report(1, 11);
  EXPECT_NE(test::error_of([&] {
              store_->commit({core::PutReport{reported(11)}, core::DropReport{id_of(99)}});
            }),
            "no error");
  report(12, 13);
  EXPECT_EQ(store_->report(id_of(12))->order, 11U);
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(SettledTableTest, ATailThatIsDamagedOrBeginsTooEarlyIsNamed) {
  report(1, 131);
  const auto put_tail = [&](std::string_view value) {
    const auto env = LmdbEnv::open(folder_.path(), 0, true);
    WriteTxn txn(*env);
    put_beside(*env, txn.get(), kReportedTail, value);
    txn.commit();
  };
  std::string value;
  encode(SettledTail{1, {}}, value);
  put_tail(value);
  EXPECT_THAT(
      problems(),
      ElementsAre("reported tail: it begins with 1, and a record before it goes on to 130"));
  put_tail("garbled");
  EXPECT_THAT(problems(), ElementsAre(testing::HasSubstr("in the bucket reported is corrupt")));
  open_again();
  EXPECT_THAT(test::error_of([&] { report(200, 201); }),
              testing::HasSubstr("the record tail in the bucket reported is corrupt"));
}

// A server would give places out again that it gave out already.
TEST_F(SettledTableTest, ATailThatIsMissingIsNamed) {
  report(1, 10);
  forget(1, 10);
  store_.reset();
  {
    const auto env = LmdbEnv::open(folder_.path(), 0, true);
    WriteTxn txn(*env);
    MDB_val key = to_val(std::string_view{kReportedTail});
    ASSERT_EQ(mdb_del(txn.get(), env->main_database(), &key, nullptr), 0);
    txn.commit();
  }
  const auto missing = testing::HasSubstr("the record tail in the bucket reported is missing");
  EXPECT_THAT(problems(), ElementsAre(missing));
  open_again();
  EXPECT_THAT(test::error_of([&] { report(1, 2); }), missing);
  EXPECT_THAT(test::error_of([&] { (void)store_->reports_since(0, 1); }), missing);
}

TEST_F(SettledTableTest, ABucketThatNobodyKnowsIsNamed) {
  store_.reset();
  MDB_env* env = nullptr;
  MDB_txn* txn = nullptr;
  MDB_dbi foreign = 0;
  ASSERT_EQ(mdb_env_create(&env), 0);
  ASSERT_EQ(mdb_env_set_maxdbs(env, 20), 0);
  ASSERT_EQ(mdb_env_set_mapsize(env, kMap), 0);
  ASSERT_EQ(mdb_env_open(env, folder_.path().c_str(), 0, 0644), 0);
  ASSERT_EQ(mdb_txn_begin(env, nullptr, 0, &txn), 0);
  ASSERT_EQ(mdb_dbi_open(txn, "fails", MDB_CREATE, &foreign), 0);
  ASSERT_EQ(mdb_txn_commit(txn), 0);
  mdb_env_close(env);
  EXPECT_THAT(problems(), ElementsAre("main fails: no bucket has this name"));
}

// Older programs took msgs of that id, which stands for a hole.
TEST_F(SettledTableTest, AMsgOfTheNilIdMayBeForgotten) {
  core::ReportRecord nil = reported(1);
  nil.id = core::Xid{};
  store_->commit({core::PutReport{nil}, core::PutReport{reported(1)}});
  store_->commit({core::DropReport{id_of(1)}});
  store_->commit({core::DropReport{core::Xid{}}});
  EXPECT_EQ(store_->counts(), BucketCounts{});
  report(2, 3);
  EXPECT_EQ(store_->report(id_of(2))->order, 3U);
  EXPECT_THAT(problems(), IsEmpty());
}

// Another page would be written with each commit: a table more, or a longer tail, may be one too many.
TEST_F(SettledTableTest, BothTailsAtTheirLongestStandInOnePage) {
  for (std::uint16_t number = 1; number <= kMostOfTail; ++number) {
    store_->commit({core::PutReport{reported(number)},
                    core::PutFail{failed(static_cast<std::uint16_t>(1000 + number))}});
  }
  EXPECT_THAT(sizes(), ElementsAre(kMostOfTail));
  EXPECT_THAT(sizes(Table::failed), ElementsAre(kMostOfTail));
  const auto env = LmdbEnv::open(folder_.path(), 0, false);
  const ReadTxn txn(*env);
  MDB_stat stat{};
  ASSERT_EQ(mdb_stat(txn.get(), env->main_database(), &stat), 0);
  EXPECT_EQ(stat.ms_depth, 1U);
}

// Where the map is full a commit ends amid what it does, the making of records among it.
TEST(SettledTable, ACommitForWhichThereIsNoRoomLeavesNoPlaces) {
  const pena::test::TempFolder folder;
  auto store = open_lmdb_store(folder.path(), std::size_t{1} << 20U);
  std::uint16_t last = 0;
  int refused = 0;
  const auto report = [&](std::size_t result_bytes, int count) {
    ChangeSet changes;
    for (int i = 0; i < count; ++i) {
      core::ReportRecord record = reported(++last);
      if (result_bytes > 0) record.result = std::string(result_bytes, '1');
      changes.emplace_back(core::PutReport{record});
    }
    const bool done = test::error_of([&] { store->commit(changes); }) == "no error";
    refused += done ? 0 : 1;
    return done;
  };
  while (report(1'000'000, 1)) {
  }
  while (report(4'000, 1)) {
  }
  for (int round = 0; round < 100; ++round) report(0, 1 + round % 20 * 10);
  EXPECT_GT(refused, 20);
  store.reset();
  store = open_lmdb_store(folder.path(), std::size_t{256} << 20U);
  EXPECT_TRUE(report(0, 300));
  const auto all = store->reports_since(0, SIZE_MAX).records;
  for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i].order, i + 1);
  EXPECT_THAT(check_lmdb_store(folder.path()).problems, IsEmpty());
}

TEST_F(SettledTableTest, AViewOfAnotherProcessReadsOnWhileRecordsAreMade) {
  std::array<int, 2> ended{};
  ASSERT_EQ(::pipe(ended.data()), 0);
  const pid_t reader = ::fork();
  if (reader == 0) {
    ::close(ended[1]);
    ::_exit(reads_all_in_order(folder_.path(), ended[0]) ? 0 : 1);
  }
  ::close(ended[0]);
  for (std::uint16_t first = 1; first < 3000; first += 7) {
    report(first, static_cast<std::uint16_t>(first + 7));
  }
  ::close(ended[1]);
  int status = 0;
  ASSERT_EQ(::waitpid(reader, &status, 0), reader);
  EXPECT_EQ(status, 0);
}

// As a store without a tail: the one in memory.
TEST_F(SettledTableTest, ManyCommitsAgreeWithTheStoreInMemory) {
  const auto memory = make_memory_store();
  std::mt19937 random(7);
  const auto draw = [&](std::uint32_t most) {
    return std::uniform_int_distribution<std::uint32_t>(0, most)(random);
  };
  std::vector<std::uint16_t> reports;
  std::vector<std::uint16_t> fails;
  std::uint16_t last = 0;
  for (int round = 0; round < 400; ++round) {
    ChangeSet changes;
    const auto drop = [&](std::vector<std::uint16_t>& from, auto make) {
      for (auto count = draw(3) == 0 ? draw(200) : draw(4); count > 0 && !from.empty(); --count) {
        const auto at = draw(3) == 0 ? draw(static_cast<std::uint32_t>(from.size() - 1)) : 0;
        changes.emplace_back(make(from[at]));
        from.erase(from.begin() + at);
      }
    };
    drop(reports, [](std::uint16_t number) { return core::DropReport{id_of(number)}; });
    drop(fails, [](std::uint16_t number) { return core::DropFail{id_of(number)}; });
    for (auto count = draw(9) == 0 ? draw(500) : draw(40); count > 0; --count) {
      if (draw(3) == 0) {
        changes.emplace_back(core::PutFail{failed(++last)});
        fails.push_back(last);
      } else {
        changes.emplace_back(core::PutReport{reported(++last)});
        reports.push_back(last);
      }
    }
    store_->commit(changes);
    memory->commit(changes);
    if (draw(20) == 0) open_again();
    const std::uint64_t since = draw(last + 2U);
    const Most most{1 + draw(300)};
    const auto page = store_->reports_since(since, most);
    const auto expected = memory->reports_since(since, most);
    ASSERT_EQ(page.records, expected.records) << "round " << round;
    ASSERT_EQ(page.more, expected.more);
    ASSERT_EQ(page.first, expected.first) << "round " << round;
    ASSERT_EQ(store_->fails_since(since, most).records, memory->fails_since(since, most).records);
    ASSERT_EQ(store_->fails_since(since, most).first, memory->fails_since(since, most).first);
  }
  EXPECT_EQ(store_->reports_since(0, SIZE_MAX).records, memory->reports_since(0, SIZE_MAX).records);
  EXPECT_THAT(problems(), IsEmpty());
}

}  // namespace
}  // namespace pena::store
