// Stores of schema 3: whole as they are, but for the tails of what was settled and the shorter records.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lmdb_folder.hpp"
#include "old_store.hpp"
#include "sample.hpp"
#include "store/check.hpp"
#include "store/lmdb_store.hpp"
#include "store/takeover.hpp"
#include "support/temp_folder.hpp"

namespace pena::store {
namespace {

using test::failed;
using test::id_of;
using test::kMap;
using test::queued;
using test::reported;
using testing::IsEmpty;

class Schema3Test : public testing::Test {
 protected:
  Schema3Test() {
    content_.queue = {{queued(1), queued(5)}};
    content_.batches = {test::a_batch(900, {queued(20)})};
    content_.reports = {reported(9, 1), reported(4, 2), reported(7, 4)};
    content_.fails = {failed(33, 1)};
    content_.meta = {{"schema", 3}, {"boots", 6}};
  }
  void make() {
    make_store_3(path_, content_, {{1, {id_of(9), id_of(4)}}, {3, {core::Xid{}, id_of(7)}}},
                 {{1, {id_of(33)}}}, {0, "", false, 2, 0, 0, 1});
  }
  void expect_as_it_was(const View& store) const {
    EXPECT_EQ(store.counts(), (BucketCounts{2, 0, 1, 3, 1}));
    EXPECT_EQ(store.queues(), (std::vector<QueueInfo>{{0, "", false, 2, 0, 3, 1}}));
    EXPECT_EQ(store.queue(0, {}, 9).records, content_.queue.front());
    EXPECT_EQ(store.batches(), content_.batches);
    EXPECT_EQ(store.reports_since(0, 9).records, content_.reports);
    EXPECT_EQ(store.fails_since(0, 9).records, content_.fails);
    EXPECT_THAT(problems(), IsEmpty());
  }
  [[nodiscard]] std::vector<std::string> problems() const {
    std::vector<std::string> told;
    for (const CheckProblem& problem : check_lmdb_store(path_).problems) {
      told.push_back(problem.bucket + " " + problem.id + ": " + problem.what);
    }
    return told;
  }
  pena::test::TempFolder folder_;
  std::string path_ = folder_ / "store";
  test::old::Content content_;
};

TEST_F(Schema3Test, AViewReadsItAsItIsAndLeavesItSo) {
  make();
  const std::string before = test::bytes_of(path_ + "/data.mdb");
  expect_as_it_was(*open_lmdb_view(path_));
  EXPECT_TRUE(test::bytes_of(path_ + "/data.mdb") == before);
}

TEST_F(Schema3Test, AServerGoesOnWithIt) {
  make();
  const auto store = open_lmdb_store(path_, kMap);
  EXPECT_EQ(store->meta("schema"), kSchema);
  expect_as_it_was(*store);
  store->commit({core::PutReport{reported(2)}, core::DropReport{id_of(4)},
                 core::PutQueue{queued(3)}, core::DropQueue{id_of(5)}});
  EXPECT_EQ(store->reports_since(1, 9).records, (std::vector{reported(7, 4), reported(2, 5)}));
  EXPECT_EQ(store->queue(0, {}, 9).records, (std::vector{queued(1), queued(3)}));
  EXPECT_THAT(problems(), IsEmpty());
}

// What stayed of the last record, to say which place is next, is said by the tail.
TEST_F(Schema3Test, APlaceIsGivenOutOnceThoughNothingIsLeft) {
  for (const bool all : {false, true}) {
    std::filesystem::remove_all(path_);
    make();
    ChangeSet drops{core::DropReport{id_of(7)}};
    if (all) {
      drops.emplace_back(core::DropReport{id_of(9)});
      drops.emplace_back(core::DropReport{id_of(4)});
    }
    open_lmdb_store(path_, kMap)->commit(drops);
    const auto store = open_lmdb_store(path_, kMap);
    EXPECT_EQ(store->reports_since(0, 9).first, all ? 5U : 1U);
    store->commit({core::PutReport{reported(2)}});
    EXPECT_EQ(store->report(id_of(2))->order, 5U);
    EXPECT_THAT(problems(), IsEmpty());
  }
}

TEST_F(Schema3Test, ALastRecordThatIsAllHolesIsNoMoreNeeded) {
  content_.reports.pop_back();
  make_store_3(path_, content_, {{1, {id_of(9), id_of(4)}}, {3, {core::Xid{}, core::Xid{}}}},
               {{1, {id_of(33)}}}, {0, "", false, 2, 0, 0, 1});
  const auto store = open_lmdb_store(path_, kMap);
  store->commit({core::DropReport{id_of(4)}, core::DropReport{id_of(9)}});
  EXPECT_EQ(store->reports_since(0, 9).first, 5U);
  store->commit({core::PutReport{reported(2)}});
  EXPECT_EQ(store->reports_since(0, 9).records, std::vector{reported(2, 5)});
  EXPECT_THAT(problems(), IsEmpty());
}

// A program of schema 3 was killed while it took a store of schema 2 over.
TEST_F(Schema3Test, ATakeoverThatItBeganIsBroughtToItsEnd) {
  content_.reports = {reported(4, 1), reported(7, 0), reported(9, 0)};
  content_.meta["taken_from"] = 2;
  content_.meta["queued"] = 2;
  make_store_3(path_, content_, {{1, {id_of(4)}}}, {}, {});
  const auto store = open_lmdb_store(path_, kMap);
  EXPECT_EQ(store->meta("schema"), kSchema);
  EXPECT_EQ(store->meta("taken_from"), std::nullopt);
  EXPECT_EQ(store->reports_since(0, 9).records,
            (std::vector{reported(4, 1), reported(7, 2), reported(9, 3)}));
  EXPECT_EQ(store->fails_since(0, 9).records, std::vector{failed(33, 1)});
  EXPECT_THAT(problems(), IsEmpty());
}

}  // namespace
}  // namespace pena::store
