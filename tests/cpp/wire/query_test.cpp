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
  EXPECT_EQ(*parse_submit_query("queue=mail"), "mail");
  EXPECT_EQ(*parse_submit_query("queue=default"), "");
  EXPECT_EQ(parse_submit_query("queue=a,b").refusal().sentence,
            "queue is \"a,b\"; expected 1 to 64 of a-z, 0-9, '.', '_' and '-'");
  EXPECT_EQ(parse_submit_query("quue=mail").refusal().sentence,
            R"(the query has "quue"; expected queue)");
  for (const char* query : {"queue", "queue=", "queue=A", "queue=a&queue=a", "queue=a&b=c"}) {
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
                            "limit=1&limit=1", "after=", "limt=5", "error=x"}) {
    EXPECT_FALSE(parse_page_query(query, {})) << query;
  }
}

TEST(PageQuery, WhatDoesNothingThereIsRefused) {
  EXPECT_EQ(parse_page_query("limit=5&since=0", {}).refusal().sentence,
            R"(the query has "since"; expected limit, after, records or queue)");
  EXPECT_EQ(parse_page_query("since=7", {}, {.has_since = true})->since, 7U);
  EXPECT_EQ(parse_page_query("Since=7", {}, {.has_since = true}).refusal().sentence,
            R"(the query has "Since"; expected limit, after, records, queue or since)");
}

TEST(KeyQuery, AsksForOneMsgAndForNothingElse) {
  EXPECT_EQ(*parse_key_query("batchsize=5"), std::nullopt);
  EXPECT_EQ(*parse_key_query(""), std::nullopt);
  const auto asked = parse_key_query("queue=mail&key=order%207");
  ASSERT_TRUE(asked && *asked);
  EXPECT_EQ((*asked)->key, "order 7");
  EXPECT_EQ((*asked)->queue, "mail");
  for (const char* other :
       {"batchsize=1", "short=1", "batches=1", "submitted=1", "name=a", "x=1"}) {
    const auto both = parse_key_query("key=a&" + std::string{other});
    ASSERT_FALSE(both) << other;
    EXPECT_EQ(both.refusal().status, 400U);
    EXPECT_THAT(both.refusal().sentence, HasSubstr("expected key or queue: key asks for one msg"));
  }
  EXPECT_THAT(parse_key_query("key=a&batchsize=1").refusal().sentence,
              HasSubstr(R"(the query has "batchsize")"));
}

using What = core::StatusAsked::What;

TEST(StatusQuery, TakesLimitAfterAndQueue) {
  const auto all = parse_status_query("", What::clients);
  ASSERT_TRUE(all);
  EXPECT_EQ(all->what, What::clients);
  EXPECT_EQ(all->limit, 1000U);
  EXPECT_EQ(all->after, std::nullopt);
  EXPECT_EQ(all->queue, std::nullopt);
  const auto some =
      parse_status_query("limit=5&after=9m4e2mr0ui3e8a215n4g&queue=default", What::batches);
  ASSERT_TRUE(some);
  EXPECT_EQ(some->what, What::batches);
  EXPECT_EQ(some->limit, 5U);
  EXPECT_EQ(some->after, core::Xid::parse("9m4e2mr0ui3e8a215n4g"));
  EXPECT_EQ(some->queue, "default");  // the dispatcher knows it by its name
  const auto by_name = parse_status_query("after=high&limit=1000", What::stats);
  ASSERT_TRUE(by_name);
  EXPECT_EQ(by_name->after_queue, "high");
  EXPECT_EQ(by_name->after, std::nullopt);
}

TEST(StatusQuery, RefusesWhatItCannotUse) {
  const auto refusal = [](const char* query, What what) {
    const auto asked = parse_status_query(query, what);
    EXPECT_FALSE(asked) << query;
    return asked ? std::string{} : asked.refusal().sentence;
  };
  EXPECT_EQ(refusal("limit=1001", What::clients),
            R"(limit is "1001"; expected a whole number from 1 to 1000)");
  EXPECT_EQ(refusal("records=1", What::batches),
            R"(the query has "records"; expected limit, after or queue)");
  EXPECT_EQ(refusal("since=1", What::batches),
            R"(the query has "since"; expected limit, after or queue)");
  EXPECT_EQ(refusal("after=high", What::clients),
            R"(after is "high"; expected an id, 20 characters of 0-9 and a-v)");
  EXPECT_EQ(
      refusal("after=High", What::stats),
      R"(after is "High"; expected the name of a queue, 1 to 64 of a-z, 0-9, '.', '_' and '-')");
  for (const char* query : {"limit=0", "limit=", "queue=A", "queue=", "queue=a,b",
                            "after=", "queue=a&queue=a", "limit=1&limit=1"}) {
    EXPECT_THAT(refusal(query, What::stats), HasSubstr("expected")) << query;
  }
}

TEST(NoQuery, IsAllThatSomeRequestsTake) {
  EXPECT_FALSE(refuse_query(""));
  EXPECT_FALSE(refuse_query("&&"));
  EXPECT_EQ(refuse_query("queue=mail")->sentence, R"(the query has "queue"; expected none)");
}

}  // namespace
}  // namespace pena::wire
