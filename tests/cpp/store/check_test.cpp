// `pena check`: what it finds in a store that somebody damaged.
#include "store/check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/lmdb_store.hpp"
#include "support/temp_folder.hpp"

namespace pena::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

core::Xid id_of(std::uint8_t number) {
  core::Xid::Bytes bytes{};
  bytes.back() = number;
  return core::Xid{bytes};
}

core::QueuedMsg msg_of(std::uint8_t number) {
  core::QueuedMsg msg;
  msg.msg = {id_of(number), 5, {}};
  return msg;
}

class CheckTest : public testing::Test {
 protected:
  void commit(const ChangeSet& changes) {
    open_lmdb_store(folder_.path(), std::size_t{16} << 20U)->commit(changes);
  }
  [[nodiscard]] std::vector<std::string> problems() const {
    std::vector<std::string> told;
    for (const CheckProblem& problem : check_lmdb_store(folder_.path()).problems) {
      told.push_back(problem.bucket + " " + problem.id + ": " + problem.what);
    }
    return told;
  }
  test::TempFolder folder_;
};

TEST_F(CheckTest, ASoundStoreIsCounted) {
  auto batch = std::make_shared<core::Batch>();
  batch->id = id_of(9);
  batch->msgs = {msg_of(2), msg_of(3)};
  commit({core::PutQueue{msg_of(1)}, core::PutBatch{batch}});
  const CheckReport report = check_lmdb_store(folder_.path());
  EXPECT_TRUE(report.problems.empty());
  EXPECT_EQ(report.msgs, (BucketCounts{1, 2, 0, 0}));
  EXPECT_EQ(report.batches, 1U);
}

TEST_F(CheckTest, AMsgInTwoPlacesIsNamedWithBoth) {
  core::FailRecord fail;
  fail.msg = msg_of(1).msg;
  fail.misses.resize(1);
  fail.misses[0].reason = core::MissReason::failed;
  commit({core::PutQueue{msg_of(1)}, core::PutFail{fail}});
  EXPECT_THAT(problems(), ElementsAre("fail " + id_of(1).text() + ": it is in queue, too"));
}

TEST_F(CheckTest, ABatchWithoutMsgsAndAFailWithoutAttempts) {
  auto batch = std::make_shared<core::Batch>();
  batch->id = id_of(9);
  core::FailRecord fail;
  fail.msg = msg_of(1).msg;
  commit({core::PutBatch{batch}, core::PutFail{fail}});
  EXPECT_THAT(problems(),
              ElementsAre(HasSubstr("it holds no msg"), HasSubstr("it failed without an attempt")));
}

TEST_F(CheckTest, TwoAttemptsOfOneBatch) {
  core::QueuedMsg msg = msg_of(1);
  msg.misses.resize(2);
  for (core::Miss& miss : msg.misses) {
    miss.batch = id_of(9);
    miss.reason = core::MissReason::dropped;
  }
  commit({core::PutQueue{msg}});
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("two of its attempts are of the batch")));
}

TEST_F(CheckTest, NoStoreIsAnError) {
  EXPECT_THROW(static_cast<void>(check_lmdb_store(folder_.path() + "/none")), StoreError);
}

}  // namespace
}  // namespace pena::store
