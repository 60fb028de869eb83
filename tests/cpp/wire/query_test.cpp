#include "wire/query.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pena::wire {
namespace {

using testing::HasSubstr;

TEST(TaskQuery, TakesABatchsizeAndPassesOverWhatItDoesNotKnow) {
  EXPECT_EQ(parse_task_query("batchsize=7", {})->batchsize, 7U);
  EXPECT_EQ(parse_task_query("batchsize=007", {})->batchsize, 7U);
  EXPECT_EQ(parse_task_query("x=1&batchsize=%31%30&lastEventId=y", {})->batchsize, 10U);
  EXPECT_EQ(parse_task_query("batchsize=10000", {})->batchsize, 10'000U);
  EXPECT_FALSE(parse_task_query("batchsize=7", {})->takes_short);
  EXPECT_TRUE(parse_task_query("short=1&batchsize=7", {})->takes_short);
}

TEST(TaskQuery, TakesHowManyBatchesAreWanted) {
  EXPECT_EQ(parse_task_query("batchsize=7", {})->batches, std::nullopt);
  EXPECT_EQ(parse_task_query("batchsize=7&batches=1", {})->batches, 1U);
  EXPECT_EQ(parse_task_query("batches=3000000000&batchsize=7", {})->batches, 3'000'000'000U);
}

class BadTaskQuery : public testing::TestWithParam<const char*> {};
TEST_P(BadTaskQuery, IsRefusedWith400AndWhatWasExpected) {
  const auto query = parse_task_query(GetParam(), {});
  ASSERT_FALSE(query);
  EXPECT_EQ(query.refusal().status, 400U);
  EXPECT_THAT(query.refusal().sentence, HasSubstr("expected"));
}
INSTANTIATE_TEST_SUITE_P(
    Queries, BadTaskQuery,
    testing::Values("", "batchsize", "batchsize=", "batchsize=0", "batchsize=-1", "batchsize=%2B5",
                    "batchsize=+5", "batchsize=5.0", "batchsize=0x5", "batchsize=5%20",
                    "batchsize=five", "batchsize=10001", "batchsize=99999999999999999999999",
                    "batchsize=5&batchsize=5", "Batchsize=5", "batchsize=5&short=2",
                    "batchsize=5&short=1&short=1", "batchsize=5&batches=0",
                    "batchsize=5&batches=-1", "batchsize=5&batches=", "batchsize=5&batches=1.5",
                    "batchsize=5&batches=99999999999999999999", "batchsize=5&batches=1&batches=1",
                    "batchsize=5&queue=", "batchsize=5&queue=a,", "batchsize=5&queue=,a",
                    "batchsize=5&queue=a,,b", "batchsize=5&queue=A", "batchsize=5&queue=a%20",
                    "batchsize=5&queue=a,b,a", "batchsize=5&queue=a&queue=b",
                    "batchsize=5&submitted=2", "batchsize=5&submitted=1&submitted=1",
                    "batchsize=5&name=", "batchsize=5&name=a%0Ab", "batchsize=5&name=%ff",
                    "batchsize=5&name=%C2%85", "batchsize=5&name=%7f",
                    "batchsize=5&name=a&name=a"));

TEST(TaskQuery, TakesQueuesANameAndWhetherGeneratedMsgsAreWanted) {
  const auto plain = parse_task_query("batchsize=7", {});
  EXPECT_THAT(plain->queues, testing::IsEmpty());
  EXPECT_EQ(plain->name, "");
  EXPECT_FALSE(plain->submitted_only);
  const auto query =
      parse_task_query("batchsize=7&queue=high,low.2%2Cdefault&name=w%C3%B6rker+1&submitted=1", {});
  ASSERT_TRUE(query);
  EXPECT_THAT(query->queues, testing::ElementsAre("high", "low.2", "default"));
  EXPECT_EQ(query->name, "w\xc3\xb6rker 1");
  EXPECT_TRUE(query->submitted_only);
  EXPECT_THAT(parse_task_query("batchsize=7&queue=default", {})->queues, testing::IsEmpty());
  EXPECT_TRUE(parse_task_query("batchsize=7&name=" + std::string(64, 'n'), {}));
  EXPECT_FALSE(parse_task_query("batchsize=7&name=" + std::string(65, 'n'), {}));
}

TEST(TaskQuery, TakesSoManyQueuesAndNoMore) {
  std::string names = "q0";
  for (int i = 1; i < 64; ++i) names += ",q" + std::to_string(i);
  EXPECT_EQ(parse_task_query("batchsize=1&queue=" + names, {})->queues.size(), 64U);
  EXPECT_EQ(parse_task_query("batchsize=1&queue=" + names + ",q64", {}).refusal().sentence,
            "queue has more than 64 names; expected at most so many");
}

TEST(SubmitQuery, NamesTheQueueOfMsgsThatNameNone) {
  EXPECT_EQ(*parse_submit_query(""), "");
  EXPECT_EQ(*parse_submit_query("a=b&queue=mail"), "mail");
  EXPECT_EQ(*parse_submit_query("queue=default"), "");
  EXPECT_EQ(parse_submit_query("queue=a,b").refusal().sentence,
            "queue is \"a,b\"; expected 1 to 64 of a-z, 0-9, '.', '_' and '-'");
  for (const char* query : {"queue", "queue=", "queue=A", "queue=a&queue=a"}) {
    EXPECT_FALSE(parse_submit_query(query)) << query;
  }
}

TEST(TaskQuery, NamesWhatWasWrong) {
  EXPECT_EQ(parse_task_query("batchsize=\x01zzz", {}).refusal().sentence,
            "batchsize is \"?zzz\"; expected a whole number from 1 to 10000");
  EXPECT_THAT(parse_task_query("batchsize=1&batchsize=2", {}).refusal().sentence,
              HasSubstr("given twice"));
}

TEST(PageQuery, TakesLimitAfterAndRecords) {
  const auto page = parse_page_query("limit=5&after=9m4e2mr0ui3e8a215n4g&records=1", {});
  ASSERT_TRUE(page);
  EXPECT_EQ(page->limit, 5U);
  EXPECT_EQ(page->after, core::Xid::parse("9m4e2mr0ui3e8a215n4g"));
  EXPECT_TRUE(page->records);
  EXPECT_EQ(parse_page_query("", {})->limit, core::Limits{}.page_ids);
}

TEST(PageQuery, RefusesWhatItCannotUse) {
  for (const char* query : {"limit=0", "limit=x", "limit=100001", "after=x", "records=yes",
                            "limit=1&limit=1", "after="}) {
    EXPECT_FALSE(parse_page_query(query, {})) << query;
  }
}

}  // namespace
}  // namespace pena::wire
