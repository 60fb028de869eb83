// What every store must do with several queues, dates, keys, and the order of settling.
#include <gtest/gtest.h>

#include "sample.hpp"
#include "stores.hpp"

namespace pena::store {
namespace {

using core::Xid;
using test::due;
using test::failed;
using test::id_of;
using test::put_batch;
using test::queued;
using test::queued_in;
using test::reported;

using Ids = std::vector<Xid>;

class QueuesContract : public test::EveryStore {
 protected:
  void SetUp() override {
    store_->commit({core::PutQueueName{2, "mail"}, core::PutQueueName{3, "video"}});
  }
  [[nodiscard]] QueueInfo info(core::QueueNumber number) const {
    for (const QueueInfo& one : store_->queues()) {
      if (one.number == number) return one;
    }
    return {};
  }
  [[nodiscard]] std::string refusal(const ChangeSet& changes) const {
    try {
      store_->commit(changes);
    } catch (const StoreError& error) {
      return error.what();
    }
    return "no error";
  }
  [[nodiscard]] Ids ids_in(core::QueueNumber queue) const {
    Ids ids;
    for (const core::QueuedMsg& msg : store_->queue(queue, {}, 999).records) {
      ids.push_back(msg.msg.id);
    }
    return ids;
  }
};

template <class Record>
std::vector<std::uint64_t> orders(const Page<Record>& page) {
  std::vector<std::uint64_t> numbers;
  for (const Record& record : page.records) numbers.push_back(record.order);
  return numbers;
}

TEST_P(QueuesContract, AQueueIsFoundByItsNumberAndByItsName) {
  store_->commit({core::PutQueueName{4, "mail.2"}, core::PutQueueName{0, "", true}});
  EXPECT_EQ(store_->queue_name(3), "video");
  EXPECT_EQ(store_->queue_name(0), "");
  EXPECT_EQ(store_->queue_name(9), "");
  EXPECT_EQ(store_->find_queue("mail"), 2U);
  EXPECT_EQ(store_->find_queue("mail.2"), 4U);
  EXPECT_FALSE(store_->find_queue("mai"));
  EXPECT_FALSE(store_->find_queue(""));
}

TEST_P(QueuesContract, QueuesAreApartThoughTheirIdsInterleave) {
  store_->commit({core::PutQueue{queued(1)}, core::PutQueue{queued_in(2, 2)},
                  core::PutQueue{queued_in(3, 3)}, core::PutQueue{queued_in(1, 4)},
                  core::PutQueue{queued_in(2, 5)}, core::PutQueue{queued(6)},
                  core::PutQueue{queued_in(3, 7)}, core::PutQueue{queued_in(2, 8)}});
  EXPECT_EQ(ids_in(0), (Ids{id_of(1), id_of(6)}));
  EXPECT_EQ(ids_in(1), Ids{id_of(4)});
  EXPECT_EQ(ids_in(2), (Ids{id_of(2), id_of(5), id_of(8)}));
  EXPECT_EQ(ids_in(3), (Ids{id_of(3), id_of(7)}));
  EXPECT_EQ(ids_in(4), Ids{});
  EXPECT_EQ(store_->queue(2, id_of(2), 9).records.at(0), queued_in(2, 5));
  EXPECT_TRUE(store_->queue(2, id_of(2), 1).more);
  EXPECT_FALSE(store_->queue(2, id_of(5), 1).more);
  EXPECT_TRUE(store_->queue(2, id_of(8), 9).records.empty());
  EXPECT_EQ(store_->queued(3, {id_of(7), id_of(3)}, SIZE_MAX),
            (std::vector{queued_in(3, 7), queued_in(3, 3)}));
  EXPECT_THROW((void)store_->queued(3, {id_of(5)}, SIZE_MAX), StoreError);
  EXPECT_EQ(store_->counts().queue, 8U);
  EXPECT_EQ(info(2), (QueueInfo{2, "mail", false, 3, 0, 0, 0}));
  EXPECT_EQ(info(1), (QueueInfo{1, "", false, 1, 0, 0, 0}));
}

TEST_P(QueuesContract, IdsOfAllQueuesAreInOrder) {
  ChangeSet puts;
  for (std::uint16_t number = 1; number <= 300; ++number) {
    const core::QueueNumber queue = number % 3;
    puts.emplace_back(core::PutQueue{queue == 0 ? queued(number) : queued_in(queue, number)});
  }
  puts.emplace_back(core::PutLater{due(400, 5)});
  store_->commit(puts);
  Ids all;
  for (std::optional<Xid> after;; after = all.back()) {
    const auto page = store_->ids(Bucket::queue, after, 7);
    all.insert(all.end(), page.records.begin(), page.records.end());
    if (!page.more) break;
  }
  ASSERT_EQ(all.size(), 300U);
  for (std::uint16_t number = 1; number <= 300; ++number)
    EXPECT_EQ(all[number - 1U], id_of(number));
  EXPECT_EQ(store_->ids(Bucket::later, {}, 9).records, Ids{id_of(400)});
  EXPECT_EQ(store_->last_up_to(id_of(299)), id_of(299));
  EXPECT_EQ(store_->last_up_to(id_of(999)), id_of(400));
}

TEST_P(QueuesContract, ADropIsOfTheQueueThatItNames) {
  if (a_bug_is_final()) GTEST_SKIP() << kFinal;
  store_->commit({core::PutQueue{queued_in(2, 2)}, core::PutQueue{queued_in(3, 3)},
                  core::PutQueue{queued(1)}});
  for (const core::DropQueue& drop : {core::DropQueue{id_of(2), 3}, core::DropQueue{id_of(2)},
                                      core::DropQueue{id_of(1), 2}, core::DropQueue{id_of(9), 2}}) {
    EXPECT_NE(refusal({drop}).find("to be dropped from the bucket queue"), std::string::npos);
  }
  store_->commit({core::DropQueue{id_of(2), 2}, core::PutQueue{queued_in(3, 2)},
                  core::DropQueue{id_of(3), 3}, core::PutQueue{queued_in(2, 3)}});
  EXPECT_EQ(ids_in(2), Ids{id_of(3)});
  EXPECT_EQ(ids_in(3), Ids{id_of(2)});
}

TEST_P(QueuesContract, FindsMsgsWhereverTheyWait) {
  store_->commit({core::PutQueue{queued(1)}, core::PutQueue{queued_in(2, 2)},
                  core::PutLater{due(3, 50, 2)}, core::PutReport{reported(4)},
                  core::PutFail{failed(5)}});
  using Found = std::vector<std::optional<Bucket>>;
  EXPECT_EQ(store_->find_all({id_of(3), id_of(2), id_of(1), id_of(9), id_of(5), id_of(4)}),
            (Found{Bucket::later, Bucket::queue, Bucket::queue, std::nullopt, Bucket::fail,
                   Bucket::report}));
  EXPECT_EQ(store_->waiting(id_of(1)), queued(1));
  EXPECT_EQ(store_->waiting(id_of(2)), queued_in(2, 2));
  EXPECT_EQ(store_->waiting(id_of(3)), due(3, 50, 2));
  EXPECT_EQ(store_->waiting(id_of(4)), std::nullopt);
}

TEST_P(QueuesContract, MsgsAreDueInTheOrderOfTheirDates) {
  store_->commit({core::PutLater{due(1, 300)}, core::PutLater{due(2, 100, 2)},
                  core::PutLater{due(9, 200)}, core::PutLater{due(8, 200, 3)},
                  core::PutLater{due(7, 70'000)}});
  EXPECT_EQ(store_->next_due(), core::from_us(100));
  EXPECT_EQ(store_->ids(Bucket::later, {}, 2).records, (Ids{id_of(1), id_of(2)}));
  EXPECT_EQ(store_->ids(Bucket::later, id_of(2), 9).records, (Ids{id_of(7), id_of(8), id_of(9)}));
  EXPECT_EQ(store_->counts().later, 5U);
  EXPECT_EQ(info(2).later, 1U);

  const auto first = store_->later(std::nullopt, Most{2});
  EXPECT_EQ(first.records, (std::vector{due(2, 100, 2), due(8, 200, 3)}));
  EXPECT_TRUE(first.more);
  const auto rest = store_->later(LaterPlace{core::from_us(200), id_of(8)}, Most{9});
  EXPECT_EQ(rest.records, (std::vector{due(9, 200), due(1, 300), due(7, 70'000)}));
  EXPECT_FALSE(rest.more);

  store_->commit({core::DropLater{id_of(2), core::from_us(100)}, core::PutQueue{queued_in(2, 2)}});
  EXPECT_EQ(store_->next_due(), core::from_us(200));
  EXPECT_EQ(info(2), (QueueInfo{2, "mail", false, 1, 0, 0, 0}));
}

TEST_P(QueuesContract, RefusesDatesThatDoNotFit) {
  if (a_bug_is_final()) GTEST_SKIP() << kFinal;
  store_->commit({core::PutLater{due(1, 300)}, core::PutQueue{queued_in(2, 2)}});
  EXPECT_NE(refusal({core::DropLater{id_of(1), core::from_us(299)}})
                .find("to be dropped from the bucket later, but is not in it"),
            std::string::npos);
  EXPECT_NE(refusal({core::PutLater{due(1, 400)}})
                .find("to be put into the bucket later, but is in it already"),
            std::string::npos);
  EXPECT_NE(refusal({core::PutLater{due(2, 400)}}), "no error");
  EXPECT_EQ(store_->later(std::nullopt, Most{9}).records, std::vector{due(1, 300)});
}

TEST_P(QueuesContract, KeysAreOfTheirQueue) {
  if (a_bug_is_final()) GTEST_SKIP() << kFinal;
  store_->commit({core::PutKey{2, "order 1", id_of(1)}, core::PutKey{3, "order 1", id_of(2)},
                  core::PutKey{0, std::string(200, 'k'), id_of(3)}});
  EXPECT_EQ(store_->find_key(2, "order 1"), id_of(1));
  EXPECT_EQ(store_->find_key(0, "order 1"), std::nullopt);
  using Found = std::vector<std::optional<Xid>>;
  EXPECT_EQ(store_->find_keys({{3, "order 1"}, {3, "order"}, {0, std::string(200, 'k')}}),
            (Found{id_of(2), std::nullopt, id_of(3)}));
  EXPECT_NE(refusal({core::PutKey{2, "order 1", id_of(1)}}).find("is to be put"),
            std::string::npos);
  EXPECT_NE(refusal({core::DropKey{2, "order 2"}}).find("is to be dropped"), std::string::npos);
  store_->commit({core::DropKey{2, "order 1"}, core::PutKey{2, "order 1", id_of(7)}});
  EXPECT_EQ(store_->find_key(2, "order 1"), id_of(7));
}

TEST_P(QueuesContract, ReadsInTheOrderOfSettling) {
  store_->commit(
      {core::PutReport{reported(9)}, core::PutFail{failed(20)}, core::PutReport{reported(4)}});
  store_->commit({core::PutReport{reported(5)}, core::PutFail{failed(10)}});
  EXPECT_EQ(store_->reports_since(0, 9).records,
            (std::vector{reported(9, 1), reported(4, 2), reported(5, 3)}));
  EXPECT_EQ(store_->fails_since(1, 9).records, std::vector{failed(10, 2)});
  EXPECT_EQ(store_->report(id_of(4)), reported(4, 2));
  const auto page = store_->reports_since(0, 2);
  EXPECT_EQ(orders(page), (std::vector<std::uint64_t>{1, 2}));
  EXPECT_TRUE(page.more);
  EXPECT_FALSE(store_->reports_since(2, 1).more);
  EXPECT_TRUE(store_->reports_since(3, 9).records.empty());
  EXPECT_EQ(store_->reports_since(0, Most{9, 1}).records.size(), 1U);
}

TEST_P(QueuesContract, ADropLeavesTheOrderOfTheOthersAsItIs) {
  if (a_bug_is_final()) GTEST_SKIP() << kFinal;
  store_->commit(
      {core::PutReport{reported(1)}, core::PutReport{reported(2)}, core::PutReport{reported(3)}});
  store_->commit({core::DropReport{id_of(2)}});
  EXPECT_EQ(orders(store_->reports_since(0, 9)), (std::vector<std::uint64_t>{1, 3}));
  store_->commit({core::PutReport{reported(4)}, core::PutReport{reported(2)},
                  core::DropReport{id_of(4)}, core::DropReport{id_of(1)}});
  EXPECT_EQ(orders(store_->reports_since(0, 9)), (std::vector<std::uint64_t>{3, 5}));
  store_->commit({core::DropReport{id_of(2)}, core::DropReport{id_of(3)}});
  EXPECT_TRUE(store_->reports_since(0, 9).records.empty());
  // A place is given out once, though nobody has it any more.
  store_->commit({core::PutReport{reported(6)}, core::PutFail{failed(7)}});
  EXPECT_EQ(orders(store_->reports_since(0, 9)), std::vector<std::uint64_t>{6});
  store_->commit({core::DropFail{id_of(7)}, core::PutFail{failed(7)}, core::DropReport{id_of(6)}});
  EXPECT_EQ(orders(store_->fails_since(0, 9)), std::vector<std::uint64_t>{2});
  EXPECT_EQ(store_->counts(), (BucketCounts{0, 0, 0, 0, 1}));
  EXPECT_NE(refusal({core::DropReport{id_of(6)}}).find("from the bucket report"),
            std::string::npos);
  EXPECT_NE(refusal({core::DropFail{id_of(6)}}).find("from the bucket fail"), std::string::npos);
}

// Several records of the order at once.
TEST_P(QueuesContract, AThousandReportsAreInOrderAndMayGoOneByOne) {
  ChangeSet puts;
  for (std::uint16_t number = 1000; number >= 1; --number) {
    puts.emplace_back(core::PutReport{reported(number)});
  }
  store_->commit(puts);
  for (std::uint16_t number = 1; number <= 1000; number += 2) {
    store_->commit({core::DropReport{id_of(number)}});
  }
  const auto left = store_->reports_since(0, 9999).records;
  ASSERT_EQ(left.size(), 500U);
  for (std::size_t i = 0; i < left.size(); ++i) {
    EXPECT_EQ(left[i].id, id_of(static_cast<std::uint16_t>(1000 - 2 * i)));
    EXPECT_EQ(left[i].order, 2 * i + 1);
  }
  ChangeSet drops;
  for (std::uint16_t number = 2; number <= 900; number += 2) {
    drops.emplace_back(core::DropReport{id_of(number)});
  }
  store_->commit(drops);
  EXPECT_EQ(store_->reports_since(0, 9999).records.size(), 50U);
  EXPECT_EQ(store_->reports_since(50, 1).records.at(0).order, 51U);
  EXPECT_EQ(store_->reports_since(0, 1).first, 1U);
  drops.clear();
  for (std::uint16_t number = 910; number <= 1000; number += 2) {
    drops.emplace_back(core::DropReport{id_of(number)});
  }
  store_->commit(drops);
  EXPECT_EQ(store_->reports_since(0, 1).first, 93U);
}

TEST_P(QueuesContract, APageInTheOrderOfSettlingSaysWhatIsKept) {
  EXPECT_EQ(store_->reports_since(0, 9).first, 1U);
  store_->commit(
      {core::PutReport{reported(9)}, core::PutReport{reported(4)}, core::PutReport{reported(5)}});
  EXPECT_EQ(store_->reports_since(2, 9).first, 1U);
  store_->commit({core::DropReport{id_of(9)}, core::DropReport{id_of(5)}});
  EXPECT_EQ(store_->reports_since(0, 9).first, 2U);
  EXPECT_EQ(store_->reports_since(7, 9).first, 2U);
  store_->commit({core::DropReport{id_of(4)}});
  EXPECT_EQ(store_->reports_since(0, 9).first, 4U) << "none is kept: the next one";
  EXPECT_EQ(store_->fails_since(0, 9).first, 1U);
  store_->commit({core::PutReport{reported(4)}, core::PutFail{failed(9)}});
  EXPECT_EQ(store_->reports_since(0, 9).first, 4U);
  EXPECT_EQ(store_->fails_since(0, 9).first, 1U);
}

TEST_P(QueuesContract, CountsWhatEachQueueHas) {
  store_->commit({core::PutQueue{queued(1)}, core::PutQueue{queued_in(2, 2)},
                  core::PutLater{due(3, 9, 2)}, core::PutReport{reported(4, 0, 2)},
                  core::PutReport{reported(5)}, core::PutFail{failed(6, 0, 3)}});
  EXPECT_EQ(store_->queues(), (std::vector<QueueInfo>{{0, "", false, 1, 0, 1, 0},
                                                      {2, "mail", false, 1, 1, 1, 0},
                                                      {3, "video", false, 0, 0, 0, 1}}));
  // A grant takes it out of the queue, a loss brings it back, and a retry.
  store_->commit({core::DropQueue{id_of(2), 2}, put_batch(700, {queued_in(2, 2)})});
  EXPECT_EQ(info(2).queued, 0U);
  store_->commit({core::DropBatch{id_of(700)}, core::PutQueue{queued_in(2, 2)},
                  core::DropFail{id_of(6)}, core::PutQueue{queued_in(3, 6)},
                  core::DropReport{id_of(4)}});
  EXPECT_EQ(info(2), (QueueInfo{2, "mail", false, 1, 1, 0, 0}));
  EXPECT_EQ(info(3), (QueueInfo{3, "video", false, 1, 0, 0, 0}));
}

// And whatever is said of another queue, the two of `default` have the rest.
TEST_P(QueuesContract, TheReportsOfBothDefaultQueuesAreCountedTogether) {
  store_->commit({core::PutReport{reported(1)}, core::PutReport{reported(2, 0, 1)},
                  core::PutReport{reported(3, 0, 2)}, core::PutReport{reported(4, 0, 1)}});
  EXPECT_EQ(info(0), (QueueInfo{0, "", false, 0, 0, 3, 0}));
  EXPECT_EQ(info(2), (QueueInfo{2, "mail", false, 0, 0, 1, 0}));
  store_->commit({core::DropReport{id_of(2)}, core::DropReport{id_of(3)}, core::PutQueue{queued(5)},
                  core::PutQueue{queued_in(1, 6)}});
  EXPECT_EQ(
      store_->queues(),
      (std::vector<QueueInfo>{
          {0, "", false, 1, 0, 2, 0}, {1, "", false, 1, 0, 0, 0}, {2, "mail"}, {3, "video"}}));
  EXPECT_EQ(store_->counts(), (BucketCounts{2, 0, 0, 2, 0}));
  store_->commit({core::DropReport{id_of(1)}, core::DropReport{id_of(4)}});
  EXPECT_EQ(info(0), (QueueInfo{0, "", false, 1, 0, 0, 0}));
}

TEST_P(QueuesContract, QueuesHaveNamesAndPauses) {
  if (a_bug_is_final()) GTEST_SKIP() << kFinal;
  store_->commit({core::PutQueueName{2, "mail", true}, core::PutQueueName{0, "default", true}});
  EXPECT_EQ(store_->queues(),
            (std::vector<QueueInfo>{{0, "", true}, {2, "mail", true}, {3, "video", false}}));
  store_->commit({core::PutQueueName{2, "mail", false}, core::PutQueueName{0, "default", false}});
  EXPECT_EQ(store_->queues(), (std::vector<QueueInfo>{{2, "mail"}, {3, "video"}}));
  for (const core::PutQueueName& put :
       {core::PutQueueName{4, "mail"}, core::PutQueueName{2, "post"},
        core::PutQueueName{4, "default"}}) {
    EXPECT_NE(refusal({put}).find("is to be called"), std::string::npos);
  }
  EXPECT_NE(refusal({core::PutQueue{queued_in(9, 1)}}).find("which has no name"),
            std::string::npos);
}

TEST_P(QueuesContract, AChangeSetOfAllKindsIsAppliedWholeOrNotAtAll) {
  if (a_bug_is_final()) GTEST_SKIP() << kFinal;
  const ChangeSet all{core::PutQueueName{4, "more"},       core::PutQueue{queued_in(4, 1)},
                      core::PutLater{due(2, 50, 4)},       core::PutKey{4, "a", id_of(1)},
                      core::PutReport{reported(3)},        core::PutFail{failed(5)},
                      core::PutQueueName{2, "mail", true}, core::DropBatch{id_of(99)}};
  EXPECT_NE(refusal(all), "no error");
  EXPECT_EQ(store_->counts(), BucketCounts{});
  EXPECT_EQ(store_->queues(), (std::vector<QueueInfo>{{2, "mail"}, {3, "video"}}));
  EXPECT_EQ(store_->find_key(4, "a"), std::nullopt);
  EXPECT_EQ(store_->next_due(), std::nullopt);
  EXPECT_EQ(store_->waiting(id_of(1)), std::nullopt);
  store_->commit({all.begin(), all.end() - 1});
  EXPECT_EQ(orders(store_->reports_since(0, 9)), std::vector<std::uint64_t>{1});
  EXPECT_EQ(info(4), (QueueInfo{4, "more", false, 1, 1, 0, 0}));
}

TEST_P(QueuesContract, AMsgMayPassThroughAllBucketsInOneChangeSet) {
  store_->commit({core::PutQueue{queued_in(2, 1)}, core::DropQueue{id_of(1), 2},
                  core::PutLater{due(1, 9, 2)}, core::DropLater{id_of(1), core::from_us(9)},
                  core::PutQueue{queued_in(2, 1)}, core::DropQueue{id_of(1), 2},
                  core::PutFail{failed(1, 0, 2)}, core::DropFail{id_of(1)},
                  core::PutQueue{queued(1)}});
  EXPECT_EQ(store_->counts(), (BucketCounts{1, 0, 0, 0, 0}));
  EXPECT_EQ(store_->waiting(id_of(1)), queued(1));
  EXPECT_EQ(info(2), (QueueInfo{2, "mail"}));
}

INSTANTIATE_TEST_SUITE_P(Stores, QueuesContract, test::every_store(), test::name_of_store);

}  // namespace
}  // namespace pena::store
