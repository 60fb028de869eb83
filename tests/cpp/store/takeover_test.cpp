// Stores of older schemas: read as they are, and taken over by a server, whenever it is killed.
#include "store/takeover.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "lmdb_folder.hpp"
#include "old_store.hpp"
#include "outcomes.hpp"
#include "sample.hpp"
#include "store/check.hpp"
#include "store/lmdb_records.hpp"
#include "store/lmdb_store.hpp"
#include "support/temp_folder.hpp"

namespace pena::store {
namespace {

using test::error_of;
using test::id_of;
using test::kMap;
using test::queued;
using testing::HasSubstr;
using testing::IsEmpty;

// As version 1 has it: without what it did not know.
core::QueuedMsg older(core::QueuedMsg msg) {
  for (core::Miss& miss : msg.misses) miss.client_name = {};
  return msg;
}
core::QueuedMsg old_msg(std::uint16_t number) {
  return older(queued(number));
}
core::ReportRecord old_report(std::uint16_t number, std::uint64_t order = 0) {
  core::ReportRecord record{id_of(number),    382,
                            id_of(700),       id_of(800),
                            core::from_us(1), core::from_us(2),
                            core::from_us(3), old_msg(1).misses};
  record.attempts = 2;
  record.payload_hash.reset();
  record.order = order;
  return record;
}
core::FailRecord old_fail(std::uint16_t number, std::uint64_t order = 0) {
  core::FailRecord record{
      {id_of(number), 1000, "[]"}, core::from_us(1), core::from_us(9), old_msg(1).misses, 1};
  record.order = order;
  return record;
}
core::Batch old_batch(std::uint16_t number, std::vector<core::QueuedMsg> msgs) {
  return {id_of(number), id_of(800), core::from_us(99), std::move(msgs)};
}

class TakeoverTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  [[nodiscard]] test::old::Content content() const {
    const auto schema = GetParam();
    test::old::Content content;
    if (schema == 1) {
      content.queue = {{old_msg(1)}, {old_msg(3)}, {old_msg(5)}, {old_msg(7)}};
    } else {
      content.queue = {{old_msg(1), old_msg(3), old_msg(5)}, {old_msg(7)}};
      content.meta["queued"] = 4;
    }
    content.batches = {old_batch(900, {old_msg(20), old_msg(21)})};
    content.reports = {old_report(30), old_report(31), old_report(40)};
    content.fails = {old_fail(33), old_fail(35)};
    content.meta["schema"] = schema;
    content.meta["boots"] = 6;
    content.meta["generated"] = 17;
    return content;
  }
  // Reports and failures for several transactions.
  [[nodiscard]] test::old::Content much() const {
    test::old::Content content = this->content();
    content.reports.clear();
    content.fails.clear();
    for (std::uint16_t number = 1000; number < 10'000; ++number) {
      content.reports.push_back(old_report(number));
    }
    for (std::uint16_t number = 20'000; number < 25'000; ++number) {
      content.fails.push_back(old_fail(number));
    }
    return content;
  }
  [[nodiscard]] std::vector<std::string> problems() const {
    std::vector<std::string> told;
    for (const CheckProblem& problem : check_lmdb_store(path_).problems) {
      told.push_back(problem.bucket + " " + problem.id + ": " + problem.what);
    }
    return told;
  }
  void expect_whole(const View& store, std::size_t reports, std::size_t fails) const {
    EXPECT_EQ(store.meta("schema"), kSchema);
    EXPECT_EQ(store.meta("queued"), std::nullopt);
    EXPECT_EQ(store.meta("taken_from"), std::nullopt);
    EXPECT_EQ(store.counts(), (BucketCounts{4, 0, 2, reports, fails}));
    EXPECT_EQ(store.queues(), (std::vector<QueueInfo>{{0, "", false, 4, 0, reports, fails}}));
    const auto in_order = store.reports_since(0, SIZE_MAX).records;
    EXPECT_EQ(in_order, store.reports({}, SIZE_MAX).records);
    ASSERT_EQ(in_order.size(), reports);
    for (std::size_t i = 0; i < reports; ++i) EXPECT_EQ(in_order[i].order, i + 1);
    EXPECT_EQ(store.fails_since(0, SIZE_MAX).records, store.fails({}, SIZE_MAX).records);
    EXPECT_THAT(problems(), IsEmpty());
  }
  pena::test::TempFolder folder_;
  std::string path_ = folder_ / "store";
};

TEST_P(TakeoverTest, AViewReadsItAsItIsAndLeavesItSo) {
  make_store(path_, content());
  const std::string before = test::bytes_of(path_ + "/data.mdb");
  {
    const auto view = open_lmdb_view(path_);
    EXPECT_EQ(view->counts(), (BucketCounts{4, 0, 2, 3, 2}));
    EXPECT_EQ(view->queues(), (std::vector<QueueInfo>{{0, "", false, 4, 0, 3, 2}}));
    EXPECT_EQ(view->queue(0, {}, 9).records,
              (std::vector{old_msg(1), old_msg(3), old_msg(5), old_msg(7)}));
    EXPECT_TRUE(view->queue(2, {}, 9).records.empty());
    EXPECT_EQ(view->fails({}, 9).records, (std::vector{old_fail(33), old_fail(35)}));
    EXPECT_EQ(view->report(id_of(31)), old_report(31));
    EXPECT_EQ(view->waiting(id_of(5)), old_msg(5));
    EXPECT_EQ(view->find(id_of(33)), Bucket::fail);
    EXPECT_EQ(view->find_key(0, "a"), std::nullopt);
    EXPECT_TRUE(view->later(std::nullopt, Most{9}).records.empty());
    EXPECT_TRUE(view->ids(Bucket::later, {}, 9).records.empty());
    EXPECT_EQ(view->batches(), content().batches);
    EXPECT_THAT(error_of([&] { (void)view->reports_since(0, 9); }),
                HasSubstr("is of an older schema"));
    EXPECT_THAT(problems(), IsEmpty());
  }
  EXPECT_TRUE(test::bytes_of(path_ + "/data.mdb") == before);
}

TEST_P(TakeoverTest, AServerTakesItOver) {
  make_store(path_, content());
  const auto store = open_lmdb_store(path_, kMap);
  expect_whole(*store, 3, 2);
  EXPECT_EQ(store->meta("boots"), 7U);
  EXPECT_EQ(store->meta("generated"), 17U);
  EXPECT_EQ(store->reports_since(0, 9).records,
            (std::vector{old_report(30, 1), old_report(31, 2), old_report(40, 3)}));
  EXPECT_EQ(store->fail(id_of(35)), old_fail(35, 2));
  EXPECT_EQ(store->batches(), content().batches);
}

// Records of version 1 that lose msgs, or that others fall into.
TEST_P(TakeoverTest, ItsQueueGoesOn) {
  make_store(path_, content());
  const auto store = open_lmdb_store(path_, kMap);
  store->commit({core::PutQueue{queued(4)}, core::DropQueue{id_of(1)}, core::DropQueue{id_of(7)},
                 core::PutQueue{queued(9)}, core::PutReport{test::reported(50)},
                 core::DropReport{id_of(31)}, core::DropFail{id_of(33)},
                 core::PutQueue{older(queued(33))}});
  EXPECT_EQ(store->queue(0, {}, 9).records,
            (std::vector{old_msg(3), queued(4), old_msg(5), queued(9), older(queued(33))}));
  EXPECT_EQ(store->reports_since(1, 9).records,
            (std::vector{old_report(40, 3), test::reported(50, 4)}));
  store->commit({core::DropQueue{id_of(4)}, core::DropBatch{id_of(900)}});
  EXPECT_EQ(store->queue(0, {}, 9).records.size(), 4U);
  EXPECT_THAT(problems(), IsEmpty());
}

// A view that is open meanwhile, in the same process, sees the new tables, too.
TEST_P(TakeoverTest, AViewThatWasOpenSeesWhatBecomesOfIt) {
  make_store(path_, content());
  const auto view = open_lmdb_view(path_);
  EXPECT_EQ(view->counts().report, 3U);
  const auto store = open_lmdb_store(path_, kMap);
  expect_whole(*view, 3, 2);
  store->commit({core::PutQueueName{2, "mail"}, core::PutQueue{test::queued_in(2, 60)}});
  EXPECT_EQ(view->queue(2, {}, 9).records.size(), 1U);
}

TEST_P(TakeoverTest, AViewSeesWhatBecomesOfItInAnotherProcess) {
  make_store(path_, content());
  const auto view = open_lmdb_view(path_);
  EXPECT_EQ(view->counts().report, 3U);
  EXPECT_EQ(test::in_a_child([&] {
              (void)open_lmdb_store(path_, kMap);
              return 0;
            }),
            0);
  expect_whole(*view, 3, 2);
}

// Ended after each of its transactions.
TEST_P(TakeoverTest, GoesOnWhereItWasEnded) {
  make_store(path_, much());
  int steps = 0;
  for (bool more = true; more; ++steps) {
    {
      const auto env = LmdbEnv::open(path_, 0, true);
      more = take_over_some(*env);
    }
    const auto view = open_lmdb_view(path_);
    EXPECT_EQ(view->counts(), (BucketCounts{4, 0, 2, 9000, 5000}));
    EXPECT_EQ(view->report(id_of(5000))->attempts, 2);
    EXPECT_THAT(problems(), IsEmpty()) << "after step " << steps;
  }
  EXPECT_EQ(steps, 1 + 3 + 2 + 1 + 1);
  expect_whole(*open_lmdb_store(path_, kMap), 9000, 5000);
}

TEST_P(TakeoverTest, GoesOnWhereItWasKilled) {
  make_store(path_, much());
  int killed = 0;
  for (useconds_t after = 2000; after < 400'000; after += after / 2) {
    const pid_t server = ::fork();
    if (server == 0) {
      const auto store = open_lmdb_store(path_, kMap);
      ::_exit(0);
    }
    ::usleep(after);
    ::kill(server, SIGKILL);
    int status = 0;
    ::waitpid(server, &status, 0);
    if (!WIFSIGNALED(status)) break;
    ++killed;
    EXPECT_THAT(problems(), IsEmpty());
  }
  EXPECT_GT(killed, 0);
  expect_whole(*open_lmdb_store(path_, kMap), 9000, 5000);
}

TEST_P(TakeoverTest, RecordsTakeAtMostTwiceTheirPages) {
  make_store(path_, much());
  const auto leaves = [&] {
    const auto env = LmdbEnv::open(path_, 0, false);
    const ReadTxn txn(*env);
    MDB_stat stat{};
    mdb_stat(txn.get(), env->table(Table::report), &stat);
    return stat.ms_leaf_pages;
  };
  const std::size_t before = leaves();
  (void)open_lmdb_store(path_, kMap);
  EXPECT_LT(leaves(), before * 2);
}

TEST_P(TakeoverTest, ACountThatIsMissingIsNotGuessed) {
  if (GetParam() == 1) GTEST_SKIP() << "a store of schema 1 has no counts";
  test::old::Content without = content();
  without.meta.erase("queued");
  make_store(path_, without);
  EXPECT_THAT(error_of([&] { (void)open_lmdb_store(path_, kMap); }),
              HasSubstr("the meta value queued is missing"));
}

INSTANTIATE_TEST_SUITE_P(Schemas, TakeoverTest, testing::Values(1, 2));

}  // namespace
}  // namespace pena::store
