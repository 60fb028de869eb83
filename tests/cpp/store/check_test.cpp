// `pena check`: what it finds in a store that somebody damaged.
#include "store/check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample.hpp"
#include "store/format.hpp"
#include "store/lmdb_cursor.hpp"
#include "store/lmdb_store.hpp"
#include "support/temp_folder.hpp"

namespace pena::store {
namespace {

using test::id_of;
using testing::ElementsAre;
using testing::HasSubstr;

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
  pena::test::TempFolder folder_;
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

TEST_F(CheckTest, AQueueThatWasMiscounted) {
  commit({core::PutQueue{msg_of(1)}, core::PutQueue{msg_of(2)}});
  commit({core::PutMeta{"queued", 5}});
  EXPECT_THAT(problems(), ElementsAre("meta queued: it says 5, the bucket queue has 2"));
}

TEST_F(CheckTest, AQueueThatIsNotReadWholeIsNotCounted) {
  commit({core::PutQueue{msg_of(1)}});
  {
    const auto env = LmdbEnv::open(folder_.path(), 0, true);
    WriteTxn txn(*env);
    Cursor(*env, txn.get(), Table::queue).put(id_of(1), "garbled");
    txn.commit();
  }
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("is corrupt")));
}

TEST_F(CheckTest, ANewerSchema) {
  commit({core::PutMeta{"schema", 3}});
  EXPECT_THAT(problems(), ElementsAre("meta schema: it is 3, expected 1 to 2"));
}

TEST_F(CheckTest, RecordsOfTheQueueThatOverlap) {
  commit({core::PutQueue{msg_of(1)}, core::PutQueue{msg_of(9)}});
  {
    const auto env = LmdbEnv::open(folder_.path(), 0, true);
    WriteTxn txn(*env);
    for (const std::uint8_t number : std::initializer_list<std::uint8_t>{2, 5}) {
      std::string value;
      append(msg_of(number), value);
      seal(value);
      Cursor(*env, txn.get(), Table::queue).put(id_of(number), value);
    }
    txn.commit();
  }
  const std::string told = ": a record before it ends with " + id_of(9).text();
  EXPECT_THAT(problems(),
              ElementsAre("queue " + id_of(2).text() + told, "queue " + id_of(5).text() + told,
                          "meta queued: it says 2, the bucket queue has 4"));
}

TEST_F(CheckTest, NoStoreIsAnError) {
  EXPECT_THROW(static_cast<void>(check_lmdb_store(folder_.path() + "/none")), StoreError);
}

}  // namespace
}  // namespace pena::store
