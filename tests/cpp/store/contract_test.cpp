// What every store must do, checked of all of them.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "sample.hpp"
#include "store/format.hpp"
#include "stores.hpp"

namespace pena::store {
namespace {

using core::Xid;
using test::failed;
using test::id_of;
using test::put_batch;
using test::queued;
using test::reported;
using test::rest_of_batch;

class StoreContract : public test::EveryStore {};

TEST_P(StoreContract, IsEmptyAtFirst) {
  EXPECT_EQ(store_->counts(), BucketCounts{});
  EXPECT_TRUE(store_->queue(0, {}, 10).records.empty());
  EXPECT_TRUE(store_->batches().empty());
  EXPECT_EQ(store_->find(id_of(1)), std::nullopt);
  EXPECT_EQ(store_->meta("generated"), std::nullopt);
  EXPECT_EQ(store_->meta("schema"), kSchema);
  EXPECT_TRUE(store_->queues().empty());
  EXPECT_EQ(store_->next_due(), std::nullopt);
}

TEST_P(StoreContract, KeepsEveryKindOfRecord) {
  store_->commit({core::PutQueue{queued(1)}, put_batch(700, {queued(2), queued(3)}),
                  core::PutReport{reported(4)}, core::PutFail{failed(5)},
                  core::PutMeta{"generated", 17}});
  EXPECT_EQ(store_->counts(), (BucketCounts{1, 0, 2, 1, 1}));
  EXPECT_EQ(store_->queue(0, {}, 10).records.at(0), queued(1));
  EXPECT_EQ(store_->batches().at(0), test::a_batch(700, {queued(2), queued(3)}));
  EXPECT_EQ(store_->batch(store_->batches().at(0).id), store_->batches().at(0));
  EXPECT_EQ(store_->batch(id_of(2)), std::nullopt);
  EXPECT_EQ(store_->reports({}, 10).records.at(0), reported(4, 1));
  EXPECT_EQ(store_->fails({}, 10).records.at(0), failed(5, 1));
  EXPECT_EQ(store_->report(id_of(4)), reported(4, 1));
  EXPECT_EQ(store_->report(id_of(5)), std::nullopt);
  EXPECT_EQ(store_->fail(id_of(5)), failed(5, 1));
  EXPECT_EQ(store_->meta("generated"), 17U);
  EXPECT_EQ(store_->find(id_of(1)), Bucket::queue);
  EXPECT_EQ(store_->find(id_of(2)), std::nullopt);  // held: not looked for
  EXPECT_EQ(store_->find(id_of(4)), Bucket::report);
  EXPECT_EQ(store_->find_all({id_of(5), id_of(9)}),
            (std::vector<std::optional<Bucket>>{Bucket::fail, std::nullopt}));
}

TEST_P(StoreContract, OneMsgIsReadWhereverItIs) {
  store_->commit({core::PutQueueName{2, "mail"}, core::PutQueue{queued(1)},
                  core::PutQueue{test::queued_in(2, 2)}, core::PutLater{test::due(3, 77)},
                  core::PutReport{reported(4)}, core::PutFail{failed(5)},
                  put_batch(700, {queued(6)})});
  const auto waiting = [&](std::uint16_t number) {
    return std::get<core::WaitingMsg>(store_->record(id_of(number)).value());
  };
  EXPECT_EQ(waiting(1).msg, queued(1));
  EXPECT_FALSE(waiting(1).later);
  EXPECT_EQ(waiting(2).msg, test::queued_in(2, 2));
  EXPECT_FALSE(waiting(2).later);
  EXPECT_EQ(waiting(3).msg, test::due(3, 77));
  EXPECT_TRUE(waiting(3).later);
  EXPECT_EQ(std::get<core::ReportRecord>(store_->record(id_of(4)).value()), reported(4, 1));
  EXPECT_EQ(std::get<core::FailRecord>(store_->record(id_of(5)).value()), failed(5, 1));
  EXPECT_FALSE(store_->record(id_of(6)));  // held: not looked for
  EXPECT_FALSE(store_->record(id_of(7)));
}

TEST_P(StoreContract, APageOfTheQueueEndsByItsBytesToo) {
  store_->commit({core::PutQueue{queued(1)}, core::PutQueue{queued(2)}, core::PutQueue{queued(3)}});
  const std::size_t two = 2 * queued(1).memory_bytes();
  for (const std::size_t bytes : {two - 1, two}) {
    const auto page = store_->queue(0, {}, 10, bytes);
    ASSERT_EQ(page.records.size(), 2U);
    EXPECT_EQ(page.records[1], queued(2));
    EXPECT_TRUE(page.more);
  }
  EXPECT_EQ(store_->queue(0, {}, 10, 1).records.size(), 1U);  // one at least
  EXPECT_EQ(store_->queue(0, id_of(1), 10, 1).records.at(0), queued(2));
  EXPECT_FALSE(store_->queue(0, id_of(1), 10, two).more);
}

TEST_P(StoreContract, ReadsMsgsOfTheQueueByTheirIds) {
  ChangeSet puts;
  for (std::uint16_t number = 1; number <= 200; ++number) {
    puts.emplace_back(core::PutQueue{queued(number)});
  }
  store_->commit(puts);
  const std::vector<Xid> ids{id_of(150), id_of(3), id_of(4), id_of(200), id_of(1)};
  const auto read = store_->queued(0, ids, SIZE_MAX);
  ASSERT_EQ(read.size(), ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(read[i].msg.id, ids[i]);
  EXPECT_EQ(read[0], queued(150));
  EXPECT_EQ(store_->queued(0, ids, 1).size(), 1U);
  EXPECT_EQ(store_->queued(0, ids, queued(1).memory_bytes() + 1).size(), 2U);
  EXPECT_THROW((void)store_->queued(0, {id_of(201)}, SIZE_MAX), StoreError);
  EXPECT_THROW((void)store_->queued(0, {id_of(0)}, SIZE_MAX), StoreError);
}

TEST_P(StoreContract, SaysWhatMsgsSayInTheOrderInWhichTheyAreAsked) {
  ChangeSet puts{core::PutQueueName{2, "mail"}, core::PutQueue{test::queued_in(2, 300)},
                 core::PutLater{test::due(301, 77)}, core::PutReport{reported(302)},
                 core::PutFail{failed(303)}};
  for (std::uint16_t number = 1; number <= 200; ++number) {
    puts.emplace_back(core::PutQueue{queued(number, std::to_string(number))});
  }
  store_->commit(puts);
  using Found = Index::Found;
  const std::vector<Found> asked{{id_of(302), Bucket::report}, {id_of(150), Bucket::queue},
                                 {id_of(301), Bucket::later},  {id_of(3), Bucket::queue},
                                 {id_of(303), Bucket::fail},   {id_of(300), Bucket::queue},
                                 {id_of(201), Bucket::queue},  {id_of(3), Bucket::report}};
  const auto contents = store_->contents(asked);
  ASSERT_EQ(contents.size(), asked.size());
  const auto says = [&](std::size_t at, const core::Content& content) {
    return contents[at] && contents[at]->payload == content.payload &&
           core::difference(*contents[at], content, 3).empty();
  };
  EXPECT_TRUE(says(0, content_of(reported(302))));
  EXPECT_TRUE(says(1, content_of(queued(150, "150").msg)));
  EXPECT_TRUE(says(2, content_of(test::due(301, 77).msg)));
  EXPECT_TRUE(says(3, content_of(queued(3, "3").msg)));
  EXPECT_TRUE(says(4, content_of(failed(303).msg)));
  EXPECT_TRUE(says(5, content_of(test::queued_in(2, 300).msg)));
  EXPECT_FALSE(contents[6]);
  EXPECT_FALSE(contents[7]);
}

TEST_P(StoreContract, DropsAndReplaces) {
  store_->commit({core::PutQueue{queued(1)}, put_batch(700, {queued(2), queued(3)}),
                  core::PutFail{failed(5)}});
  store_->commit(
      {core::DropQueue{id_of(1)}, rest_of_batch(700, {queued(3)}), core::PutMeta{"x", 1}});
  EXPECT_EQ(store_->counts(), (BucketCounts{0, 0, 1, 0, 1}));
  store_->commit({core::DropBatch{id_of(700)}, core::PutMeta{"x", 2}});
  EXPECT_EQ(store_->counts(), (BucketCounts{0, 0, 0, 0, 1}));
  EXPECT_EQ(store_->meta("x"), 2U);
}

TEST_P(StoreContract, AMsgMovesWithinOneChangeSet) {
  store_->commit({core::PutQueue{queued(1)}, core::DropQueue{id_of(1)}, core::PutQueue{queued(1)}});
  EXPECT_EQ(store_->counts().queue, 1U);
  store_->commit({core::DropQueue{id_of(1)}, put_batch(700, {queued(1)}),
                  core::PutReport{reported(1)}, core::DropBatch{id_of(700)}});
  EXPECT_EQ(store_->counts(), (BucketCounts{0, 0, 0, 1, 0}));
}

TEST_P(StoreContract, AChangeSetIsAppliedWholeOrNotAtAll) {
  store_->commit({core::PutQueue{queued(1)}, core::PutMeta{"x", 1}});
  EXPECT_THROW(
      store_->commit({core::PutQueue{queued(2)}, core::DropQueue{id_of(1)}, core::PutMeta{"x", 2},
                      core::PutReport{reported(3)}, core::DropQueue{id_of(99)}}),
      StoreError);
  EXPECT_EQ(store_->counts(), (BucketCounts{1, 0, 0, 0, 0}));
  EXPECT_EQ(store_->find(id_of(1)), Bucket::queue);
  EXPECT_EQ(store_->meta("x"), 1U);
}

TEST_P(StoreContract, ADropOfWhatIsNotThereIsABugThatNamesTheBucket) {
  if (a_bug_is_final()) GTEST_SKIP() << kFinal;
  const std::pair<core::Write, std::string> cases[] = {{core::DropQueue{id_of(9)}, "queue"},
                                                       {core::DropBatch{id_of(9)}, "batch"}};
  for (const auto& [write, bucket] : cases) {
    try {
      store_->commit({write});
      FAIL() << "dropped from " << bucket;
    } catch (const StoreError& error) {
      EXPECT_EQ(error.what(), "a bug: " + id_of(9).text() + " is to be dropped from the bucket " +
                                  bucket + ", but is not in it");
    }
  }
}

// In order and amid others, in another commit and in the same one.
TEST_P(StoreContract, APutOfWhatIsThereIsABugThatNamesTheBucketAndChangesNothing) {
  if (a_bug_is_final()) GTEST_SKIP() << kFinal;
  const ChangeSet all{core::PutQueue{queued(1)}, put_batch(700, {queued(2)}),
                      core::PutReport{reported(4)}, core::PutFail{failed(5)}};
  store_->commit(all);
  store_->commit({core::PutQueue{queued(30)}, put_batch(730, {queued(31)}),
                  core::PutReport{reported(33)}, core::PutFail{failed(34)}});
  const std::pair<core::Write, std::string> cases[] = {
      {core::PutQueue{queued(1)}, "queue"},      {core::PutQueue{queued(30)}, "queue"},
      {core::PutQueue{queued(40)}, "queue"},     {core::PutQueue{queued(20)}, "queue"},
      {put_batch(700, {queued(9)}), "batch"},    {put_batch(730, {queued(9)}), "batch"},
      {put_batch(750, {queued(9)}), "batch"},    {core::PutReport{reported(4)}, "report"},
      {core::PutReport{reported(33)}, "report"}, {core::PutReport{reported(50)}, "report"},
      {core::PutFail{failed(5)}, "fail"},        {core::PutFail{failed(50)}, "fail"}};
  for (const auto& [write, bucket] : cases) {
    try {
      store_->commit({write, write});  // of which the second at the latest is one too many
      FAIL() << "put into " << bucket;
    } catch (const StoreError& error) {
      EXPECT_NE(std::string{error.what()}.find("to be put into the bucket " + bucket +
                                               ", but is in it already"),
                std::string::npos)
          << error.what();
    }
  }
  EXPECT_EQ(store_->counts(), (BucketCounts{2, 0, 2, 2, 2}));
  EXPECT_EQ(store_->queue(0, {}, 1).records.at(0), queued(1));
}

TEST_P(StoreContract, FindsTheHighestIdUpToAnother) {
  EXPECT_EQ(store_->last_up_to(id_of(9)), std::nullopt);
  store_->commit({core::PutQueue{queued(3)}, core::PutQueue{queued(5)}, core::PutQueue{queued(20)},
                  core::PutReport{reported(7)}, core::PutReport{reported(30)},
                  core::PutFail{failed(12)}});
  const std::pair<std::uint16_t, std::uint16_t> cases[] = {{3, 3},   {4, 3},   {6, 5},   {11, 7},
                                                           {12, 12}, {19, 12}, {29, 20}, {99, 30}};
  for (const auto& [up_to, last] : cases) {
    EXPECT_EQ(store_->last_up_to(id_of(up_to)), id_of(last)) << up_to;
  }
  EXPECT_EQ(store_->last_up_to(id_of(2)), std::nullopt);
}

TEST_P(StoreContract, FindsIdsInTheOrderTheyAreAskedIn) {
  store_->commit({core::PutQueue{queued(3)}, core::PutReport{reported(7)}, core::PutFail{failed(5)},
                  core::PutQueue{queued(9)}});
  using Found = std::vector<std::optional<Bucket>>;
  EXPECT_EQ(store_->find_all({id_of(9), id_of(5), id_of(8), id_of(3), id_of(7), id_of(9)}),
            (Found{Bucket::queue, Bucket::fail, std::nullopt, Bucket::queue, Bucket::report,
                   Bucket::queue}));
}

TEST_P(StoreContract, ADropIsOfWhatWasThereBeforeIt) {
  if (a_bug_is_final()) GTEST_SKIP() << kFinal;
  store_->commit({core::PutQueue{queued(1)}, core::PutQueue{queued(9)}});
  for (const std::uint16_t number : std::initializer_list<std::uint16_t>{5, 12}) {
    EXPECT_THROW(store_->commit({core::DropQueue{id_of(number)}, core::PutQueue{queued(number)}}),
                 StoreError);
  }
  // One that goes and comes back with another attempt behind it.
  store_->commit({core::DropQueue{id_of(9)}, core::PutQueue{queued(9, "again")},
                  core::DropQueue{id_of(1)}, core::PutQueue{queued(1, "again")}});
  EXPECT_EQ(store_->queue(0, {}, 9).records, (std::vector{queued(1, "again"), queued(9, "again")}));
  EXPECT_EQ(store_->counts().queue, 2U);
}

TEST_P(StoreContract, GivesPagesInTheOrderOfTheIdsInWhateverOrderTheyCame) {
  ChangeSet changes;
  for (const int number : {5, 1, 300, 3, 4, 299, 2}) {
    changes.emplace_back(core::PutReport{reported(static_cast<std::uint16_t>(number))});
  }
  store_->commit(changes);
  store_->commit({core::PutReport{reported(250)}, core::PutReport{reported(400)}});
  const auto first = store_->ids(Bucket::report, {}, 3);
  EXPECT_EQ(first.records, (std::vector<Xid>{id_of(1), id_of(2), id_of(3)}));
  EXPECT_TRUE(first.more);
  const auto second = store_->ids(Bucket::report, first.records.back(), 5);
  EXPECT_EQ(second.records,
            (std::vector<Xid>{id_of(4), id_of(5), id_of(250), id_of(299), id_of(300)}));
  EXPECT_TRUE(second.more);
  const auto last = store_->ids(Bucket::report, id_of(300), 1);
  EXPECT_EQ(last.records, std::vector<Xid>{id_of(400)});
  EXPECT_FALSE(last.more);
  // An id that is not there is a place between two that are.
  EXPECT_EQ(store_->reports(id_of(6), 1).records.at(0).id, id_of(250));
  EXPECT_TRUE(store_->ids(Bucket::report, id_of(400), 9).records.empty());
}

TEST_P(StoreContract, ListsHeldMsgsByTheirOwnIds) {
  store_->commit({put_batch(700, {queued(5), queued(1)}), put_batch(701, {queued(3)})});
  EXPECT_EQ(store_->ids(Bucket::batch, {}, 9).records,
            (std::vector<Xid>{id_of(1), id_of(3), id_of(5)}));
  const auto page = store_->ids(Bucket::batch, id_of(1), 1);
  EXPECT_EQ(page.records, std::vector<Xid>{id_of(3)});
  EXPECT_TRUE(page.more);
}

TEST_P(StoreContract, KeepsLargePayloadsAndLargeBatches) {
  const std::string payload = "\"" + std::string(256 * 1024, 'x') + "\"";
  std::vector<core::QueuedMsg> msgs;
  for (std::uint16_t number = 1; number <= 5000; ++number) msgs.push_back(queued(number, ""));
  store_->commit({core::PutQueue{queued(9000, payload)}, put_batch(9001, msgs)});
  EXPECT_EQ(store_->queue(0, {}, 1).records.at(0).msg.payload, payload);
  EXPECT_EQ(store_->counts().batch, 5000U);
}

TEST_P(StoreContract, ReadersSeeWholeChangeSetsOnly) {
  std::atomic<int> reads{0};
  std::atomic<bool> done{false};
  std::thread reader([&] {
    for (; !done; ++reads) {
      const BucketCounts counts = store_->counts();
      EXPECT_EQ(counts.queue, counts.report);
    }
  });
  std::uint16_t number = 0;
  while (number < 100 || reads < 100) {
    ++number;
    store_->commit({core::PutQueue{queued(number)}, core::PutReport{reported(number)}});
    if (number == 60'000) break;  // the reader does not run
  }
  done = true;
  reader.join();
  EXPECT_GE(reads, 100);
  EXPECT_EQ(store_->counts().queue, number);
}

// Hundreds of pages, dropped in runs as grants do it: from the front, the end, the middle, all.
TEST_P(StoreContract, DropsRunsFromTheQueue) {
  ChangeSet puts;
  std::vector<std::uint16_t> left;
  for (std::uint16_t number = 1; number <= 5000; ++number) {
    puts.emplace_back(core::PutQueue{queued(number)});
    left.push_back(number);
  }
  store_->commit(puts);
  using Run = std::pair<std::size_t, std::size_t>;  // where, how many
  const std::vector<std::vector<Run>> commits{
      {{0, 1}}, {{0, 700}, {0, 300}}, {{3500, 499}}, {{1000, 1000}, {10, 3}, {0, 1}}, {{0, 1996}}};
  for (const auto& runs : commits) {
    ChangeSet changes;
    for (const auto& [at, count] : runs) {
      for (std::size_t i = 0; i < count; ++i) {
        changes.emplace_back(core::DropQueue{id_of(left.at(at + i))});
      }
      left.erase(left.begin() + static_cast<std::ptrdiff_t>(at),
                 left.begin() + static_cast<std::ptrdiff_t>(at + count));
      changes.emplace_back(core::PutMeta{"generated", left.size()});  // parts the runs
    }
    changes.emplace_back(core::PutQueue{queued(6000)});
    changes.emplace_back(core::DropQueue{id_of(6000)});
    store_->commit(changes);
    const auto there = store_->queue(0, {}, 9999).records;
    ASSERT_EQ(there.size(), left.size());
    for (std::size_t i = 0; i < left.size(); ++i) ASSERT_EQ(there[i], queued(left[i]));
  }
  EXPECT_EQ(left.size(), 500U);
}

INSTANTIATE_TEST_SUITE_P(Stores, StoreContract, test::every_store(), test::name_of_store);

TEST(MemoryStore, FailsAsADiskDoesWhenItIsToldTo) {
  const auto store = make_memory_store(2);
  store->commit({core::PutQueue{queued(1)}});
  EXPECT_THROW(store->commit({core::PutQueue{queued(2)}}), StoreError);
  EXPECT_EQ(store->counts().queue, 1U);
}

}  // namespace
}  // namespace pena::store
