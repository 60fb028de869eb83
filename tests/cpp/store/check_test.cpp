// `pena check`: what it finds in a store that somebody damaged.
#include "store/check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample.hpp"
#include "store/format.hpp"
#include "store/lmdb_cursor.hpp"
#include "store/lmdb_places.hpp"
#include "store/lmdb_records.hpp"
#include "store/lmdb_store.hpp"
#include "support/temp_folder.hpp"

namespace pena::store {
namespace {

using test::due;
using test::failed;
using test::id_of;
using test::queued_in;
using test::reported;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;

core::QueuedMsg msg_of(std::uint8_t number) {
  core::QueuedMsg msg;
  msg.msg = {id_of(number), 5, {}};
  return msg;
}

template <class Record>
std::string value_of(const Record& record) {
  std::string value;
  encode(record, value);
  return value;
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
  void put(Table table, std::string_view key, std::string_view value) const {
    const auto env = LmdbEnv::open(folder_.path(), 0, true);
    WriteTxn txn(*env);
    ASSERT_TRUE(KeyCursor(*env, txn.get(), table).put(key, value, KeyCursor::Put::replace));
    txn.commit();
  }
  void drop(Table table, std::string_view key) const {
    const auto env = LmdbEnv::open(folder_.path(), 0, true);
    WriteTxn txn(*env);
    {
      KeyCursor cursor(*env, txn.get(), table);
      ASSERT_TRUE(cursor.to(key));
      cursor.drop();
    }
    txn.commit();
  }
  [[nodiscard]] static std::string key_of(std::uint16_t number) {
    return std::string{to_view(to_val(id_of(number)))};
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
  EXPECT_EQ(report.msgs, (BucketCounts{1, 0, 2, 0, 0}));
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
  put(Table::queue_info, key_of_number(core::kDefaultQueue), value_of(QueueInfo{0, "", false, 5}));
  EXPECT_THAT(problems(), ElementsAre("queue_info 0: it says 5 queued, the queue has 2"));
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
  commit({core::PutMeta{"schema", kSchema + 1}});
  EXPECT_THAT(problems(), ElementsAre("meta schema: it is 6, expected 1 to 5"));
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
                          "queue_info 0: it says 2 queued, the queue has 4"));
}

class CheckOfAllTest : public CheckTest {
 protected:
  void SetUp() override {
    commit({core::PutQueueName{2, "mail"}, core::PutQueue{queued_in(2, 1)},
            core::PutKey{2, "key 1", id_of(1)}, core::PutLater{due(2, 50, 2)},
            core::PutReport{reported(3)}, core::PutReport{reported(4)}, core::PutFail{failed(5)}});
    ASSERT_THAT(problems(), ElementsAre());
  }
  void put_tail(std::string_view name, const SettledTail& tail) const {
    const auto env = LmdbEnv::open(folder_.path(), 0, true);
    WriteTxn txn(*env);
    put_beside(*env, txn.get(), name, value_of(tail));
    txn.commit();
  }
  [[nodiscard]] std::string settled(std::vector<core::Xid> ids) const {
    std::string value;
    encode_settled(ids, value);
    return value;
  }
};

TEST_F(CheckOfAllTest, APlaceThatIsMissingWrongOrOfNothing) {
  drop(Table::place, key_of(1));
  put(Table::place, key_of(2), value_of(Place{2, core::from_us(51)}));
  put(Table::place, key_of(9), value_of(Place{2}));
  EXPECT_THAT(problems(),
              ElementsAre("queues " + id_of(1).text() + ": the bucket place does not name it",
                          "place " + id_of(2).text() + ": the msg waits elsewhere",
                          "place " + id_of(9).text() + ": no such msg waits there"));
}

TEST_F(CheckOfAllTest, AKeyThatIsMissingOrOfNothing) {
  drop(Table::key, key_of_key(2, "key 1"));
  std::string value;
  encode_key(id_of(9), value);
  put(Table::key, key_of_key(2, "key 9"), value);
  EXPECT_THAT(
      problems(),
      ElementsAre("key 2/key 9: it names " + id_of(9).text() + ", which is not called so",
                  "key 2/key 1: it does not name " + id_of(1).text() + ", which is called so"));
}

TEST_F(CheckOfAllTest, AnOrderThatIsAnotherOne) {
  put_tail(kReportedTail, {1, {id_of(4), id_of(3)}});
  put_tail(kFailedTail, {1, {id_of(5), id_of(9)}});
  EXPECT_THAT(
      problems(),
      ElementsAre(
          HasSubstr("the bucket reported does not name it at its place 1"),
          HasSubstr("the bucket reported does not name it at its place 2"),
          "reported 1: it names " + id_of(4).text() + ", which has another place or is not there",
          "reported 2: it names " + id_of(3).text() + ", which has another place or is not there",
          "failed 2: it names " + id_of(9).text() + ", which has another place or is not there"));
  put(Table::failed, key_of_number(std::uint64_t{1}), settled({core::Xid{}, core::Xid{}}));
  put(Table::failed, key_of_number(std::uint64_t{2}), settled({core::Xid{}}));
  EXPECT_THAT(problems(),
              IsSupersetOf({"failed 2: a record before it goes on to 2",
                            "failed tail: it begins with 1, and a record before it goes on to 2"}));
}

// Though the tail and the record agree: a msg that is forgotten would leave a hole in one of them.
TEST_F(CheckOfAllTest, ATailThatBeginsWithinARecord) {
  put(Table::reported, key_of_number(std::uint64_t{1}), settled({id_of(3), id_of(4)}));
  put_tail(kReportedTail, {2, {id_of(4)}});
  EXPECT_THAT(problems(),
              ElementsAre("reported tail: it begins with 2, and a record before it goes on to 2"));
}

// What a newer program means is not judged.
TEST_F(CheckOfAllTest, ANewerSchemaIsAllThatIsToldOfIt) {
  put_tail(kReportedTail, {1, {}});
  commit({core::PutMeta{"schema", kSchema + 1}});
  EXPECT_THAT(problems(), ElementsAre("meta schema: it is 6, expected 1 to 5"));
}

TEST_F(CheckOfAllTest, CountsAndNames) {
  put(Table::queue_info, key_of_number(core::QueueNumber{2}),
      value_of(QueueInfo{2, "", false, 1, 2, 3, 0}));
  put(Table::queue_info, key_of_number(core::QueueNumber{0}),
      value_of(QueueInfo{0, "default", false, 0, 0, 2, 1}));
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("queue_info 0: its name is \"default\""),
                                      HasSubstr("queue_info 2: its name is \"\""),
                                      "queue_info 2: it says 2 later, the queue has 1",
                                      "queue_info 2: it says 3 reported, the queue has 0"));
  drop(Table::queue_info, key_of_number(core::QueueNumber{2}));
  drop(Table::queue_info, key_of_number(core::QueueNumber{0}));
  EXPECT_THAT(problems(), ElementsAre("queue_info 0: it says 0 failed, the queue has 1",
                                      "queue_info 2: msgs are of it, and it has no name"));
}

TEST_F(CheckOfAllTest, MsgsThatLieWhereOthersAre) {
  drop(Table::queues, key_of_number(core::QueueNumber{2}) + key_of(1));
  std::string value;
  append(queued_in(3, 1), value);
  seal(value);
  put(Table::queues, key_of_number(core::QueueNumber{2}) + key_of(1), value);
  put(Table::later, LaterKey{core::from_us(50), id_of(2)}.bytes(), value_of(due(2, 70, 2)));
  EXPECT_THAT(
      problems(),
      IsSupersetOf(
          {"queues " + id_of(1).text() + ": it is in the queue 2, and says that it is of 3",
           "later " + id_of(2).text() + ": it is due at 70, and lies where those of 50 are"}));
}

TEST_F(CheckOfAllTest, MoreAttemptsThanTheStoryTells) {
  core::QueuedMsg msg = test::queued(8);
  msg.attempts = 3;
  commit({core::PutQueue{msg}});
  EXPECT_THAT(problems(), ElementsAre("queue " + id_of(8).text() +
                                      ": it had 3 attempts, of which its story tells 1"));
}

TEST_F(CheckOfAllTest, AMsgInTwoOfTheNewPlaces) {
  commit({core::PutReport{reported(2)}});
  EXPECT_THAT(problems(), ElementsAre("report " + id_of(2).text() + ": it is in later, too"));
}

TEST_F(CheckTest, NoStoreIsAnError) {
  EXPECT_THROW(static_cast<void>(check_lmdb_store(folder_.path() + "/none")), StoreError);
}

}  // namespace
}  // namespace pena::store
