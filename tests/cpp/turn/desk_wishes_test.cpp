// What a submission and a stream may ask for beside the plain: queues, keys, dates, names. No turn is
// behind this desk.
#include <gmock/gmock.h>

#include "store/sample.hpp"
#include "turn/desk.hpp"

namespace pena::turn::test {
namespace {

using store::test::id_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class WishesTest : public testing::Test {
 protected:
  Asked ask(std::string method, std::string path, std::string query, std::string body) {
    return desk_.ask({std::move(method), std::move(path), std::move(query), std::move(body)},
                     {core::from_us(7), date_});
  }
  core::Submitted submit(std::string body, std::string query = {}) {
    auto waits = std::get<Waits>(ask("POST", "/task", std::move(query), std::move(body)));
    return std::get<core::Submitted>(std::move(waits.event));
  }
  Answer refused(std::string body, std::string query = {}) {
    return std::get<Answer>(ask("POST", "/task", std::move(query), std::move(body)));
  }
  template <class What>
  Answer answer_to(const What& what) {
    const auto reply = desk_.resolve(what);
    return std::get<Answer>(answer(reply.value(), limits_));
  }

  core::Limits limits_;
  core::Instant date_ = core::from_us(2'000'000'000'000'000);
  Desk desk_{limits_, core::XidFactory{{1, 2, 3}, 4}, "1.2.3"};
};

TEST_F(WishesTest, WhatHasEndedIsTriedAgainOrForgotten) {
  const auto asked = [&](const char* method, const char* path, const char* body) {
    auto waits = std::get<Waits>(ask(method, path, {}, body));
    return std::get<core::BulkAsked>(std::move(waits.event));
  };
  const auto retry = asked("POST", "/fail/retry", R"({"all":true,"queue":"mail"})");
  EXPECT_EQ(retry.what, core::BulkAsked::What::retry);
  EXPECT_EQ(answer_to(core::BulkReply{retry.request, 7, 0, false}).body,
            R"({"message":"success","retried":7,"unknown":0})");
  const auto fails = asked("DELETE", "/fail", R"({"ids":[],"dry_run":true})");
  EXPECT_EQ(fails.what, core::BulkAsked::What::forget_fails);
  EXPECT_EQ(answer_to(core::BulkReply{fails.request, 0, 0, false}).body,
            R"({"message":"success","deleted":0,"unknown":0,"dry_run":true})");
  const auto reports = asked("DELETE", "/report", R"({"all":true})");
  EXPECT_EQ(reports.what, core::BulkAsked::What::forget_reports);
  const auto waiting = asked("DELETE", "/queue", R"({"all":true,"before":100000000000})");
  EXPECT_EQ(waiting.what, core::BulkAsked::What::forget_waiting);
  EXPECT_EQ(answer_to(core::BulkReply{waiting.request, 2, 1, false}).body,
            R"({"message":"success","deleted":2,"unknown":1})");
  EXPECT_EQ(std::get<Answer>(ask("DELETE", "/queue", {}, R"({"all":true,"error":"x"})")).status,
            400U);
  const Answer busy = answer_to(core::BulkReply{reports.request, 3, 0, true});
  EXPECT_EQ(busy.status, 503U);
  EXPECT_THAT(busy.body, testing::HasSubstr("room for 3 of these msgs"));
  EXPECT_EQ(std::get<Answer>(ask("DELETE", "/report", {}, R"({"all":true,"error":"x"})")).status,
            400U);
}

// It would mean fewer msgs than are deleted.
TEST_F(WishesTest, WhichMsgsAreMeantIsNotSaidInTheQuery) {
  for (const auto& [method, path] :
       std::vector<std::pair<std::string, std::string>>{{"DELETE", "/fail"},
                                                        {"DELETE", "/report"},
                                                        {"DELETE", "/queue"},
                                                        {"POST", "/fail/retry"}}) {
    const auto is = std::get<Answer>(ask(method, path, "queue=mail", R"({"all":true})"));
    EXPECT_EQ(is.status, 400U) << path;
    EXPECT_EQ(is.body, R"({"error":"the query has \"queue\"; expected none"})");
  }
  EXPECT_EQ(std::get<Answer>(ask("POST", "/report", "partial=1", R"({"ids":[]})")).status, 400U);
  EXPECT_EQ(desk_.waiting(), 0U);
}

TEST_F(WishesTest, AMsgIsPlacedInTheQueueThatItNames) {
  const auto submitted = submit(R"([{"queue":"mail"},{},{"queue":"default"},{"queue":"mail"}])");
  EXPECT_THAT(submitted.queues, ElementsAre("mail", "default"));
  EXPECT_EQ(submitted.msgs[0].queue, 0U);
  EXPECT_EQ(submitted.msgs[1].queue, 1U);
  EXPECT_EQ(submitted.msgs[2].queue, 1U);
  EXPECT_EQ(submitted.msgs[3].queue, 0U);
  EXPECT_FALSE(submitted.names_ids);
}

TEST_F(WishesTest, WhereAllAreOfTheDefaultQueueNothingIsSaid) {
  EXPECT_THAT(submit("[{},{}]").queues, IsEmpty());
  EXPECT_THAT(submit(R"([{"queue":"default"},{}])", "queue=default").queues, IsEmpty());
}

TEST_F(WishesTest, TheQueueOfTheRequestIsThatOfWhatNamesNone) {
  const auto submitted = submit(R"([{},{"queue":"default"}])", "queue=mail");
  EXPECT_THAT(submitted.queues, ElementsAre("mail", "default"));
  EXPECT_EQ(submitted.msgs[1].queue, 1U);
  EXPECT_EQ(refused("{}", "queue=Mail").status, 400U);
  EXPECT_EQ(refused(R"([{"key":"a","queue":"mail"},{"key":"a"}])", "queue=mail").status, 400U);
}

TEST_F(WishesTest, AKeyMayBeKnownAsAnIdMay) {
  const auto submitted = submit(R"([{"key":"order-17","max_resends":0},{}])");
  EXPECT_TRUE(submitted.names_ids);
  EXPECT_EQ(submitted.msgs[0].key, "order-17");
  EXPECT_EQ(submitted.msgs[0].max_resends, 0);
  EXPECT_EQ(submitted.msgs[1].max_resends, std::nullopt);
}

TEST_F(WishesTest, ADateIsOneByTheWallClockAndToCome) {
  const auto submitted = submit(
      R"([{"delay":1500},{"delay":0},{"due":2000000000000},{"due":2000000000001},{"due":100000000000}])");
  ASSERT_EQ(submitted.later.size(), 2U);
  EXPECT_EQ(submitted.later[0].id, submitted.msgs[0].id);
  EXPECT_EQ(submitted.later[0].due_at, date_ + std::chrono::milliseconds{1500});
  EXPECT_EQ(submitted.later[1].id, submitted.msgs[3].id);
  EXPECT_EQ(submitted.later[1].due_at, date_ + std::chrono::milliseconds{1});
}

TEST_F(WishesTest, WhatWasKnownIsAnsweredWithTheIdThatItHas) {
  const auto submitted = submit(R"([{"key":"a"},{"key":"b"},{}])");
  core::SubmitReply reply{submitted.request};
  reply.known = {{submitted.msgs[1].id, id_of(5)}};
  const Answer is = answer_to(reply);
  EXPECT_EQ(is.status, 201U);
  EXPECT_EQ(is.body, R"({"ids":[")" + submitted.msgs[0].id.text() + R"(",")" + id_of(5).text() +
                         R"(",")" + submitted.msgs[2].id.text() + R"("],"known":[")" +
                         id_of(5).text() + R"("]})");
  EXPECT_EQ(describe({1, Accepted{{id_of(1), id_of(2)}, {id_of(2)}}}, is),
            "accepted 2 msgs, 1 of them before");
}

TEST_F(WishesTest, OtherContentUnderAKnownIdOrKeyIsAConflict) {
  const auto why = SubmitRefused::Why::other_content;
  const Answer by_id =
      answer_to(SubmitRefused{submit("{}").request, id_of(5), why, {}, {}, "period and queue"});
  EXPECT_EQ(by_id.status, 409U);
  EXPECT_EQ(by_id.body,
            R"({"error":"the id )" + id_of(5).text() +
                " is that of a msg that is known, which has another period and queue; expected "
                R"(what it was accepted with, or another id"})");
  const Answer by_key =
      answer_to(SubmitRefused{submit("{}").request, id_of(5), why, "order-17", "mail", "payload"});
  EXPECT_EQ(by_key.status, 409U);
  EXPECT_EQ(by_key.body, R"({"error":"the key \"order-17\" is in the queue mail that of the msg )" +
                             id_of(5).text() +
                             ", which has another payload; expected what it was accepted with, or "
                             R"(another key"})");
}

TEST_F(WishesTest, AQueueBeyondTheMostIsRefusedForNow) {
  limits_.queues = 2;
  const Answer is = answer_to(SubmitRefused{
      submit("{}").request, id_of(5), SubmitRefused::Why::too_many_queues, {}, "mail"});
  EXPECT_EQ(is.status, 503U);
  EXPECT_EQ(is.headers, "Retry-After: 1\r\n");
  EXPECT_EQ(is.body, R"({"error":"there are 2 queues (--max-queues), and none is called mail; )"
                     R"(expected the name of one that is there"})");
}

TEST_F(WishesTest, AStreamSaysWhatItTakesAndWhoItIs) {
  const auto stream = std::get<OpenStream>(
      ask("GET", "/task", "batchsize=3&queue=high,low&name=worker+1&submitted=1", {}));
  EXPECT_THAT(stream.joined.queues, ElementsAre("high", "low"));
  EXPECT_EQ(stream.joined.name, "worker 1");
  EXPECT_TRUE(stream.joined.submitted_only);
  const auto plain = std::get<OpenStream>(ask("GET", "/task", "batchsize=3", {}));
  EXPECT_THAT(plain.joined.queues, IsEmpty());
  EXPECT_FALSE(plain.joined.submitted_only);
  const auto bad = std::get<Answer>(ask("GET", "/task", "batchsize=3&queue=a,a", {}));
  EXPECT_EQ(bad.status, 400U);
  EXPECT_THAT(bad.body, HasSubstr("twice"));
}

TEST_F(WishesTest, OneMsgIsAskedForByItsIdOrItsKey) {
  const auto by_id = std::get<FindMsg>(ask("GET", "/task/" + id_of(5).text(), {}, {}));
  EXPECT_EQ(by_id.id, id_of(5));
  EXPECT_EQ(std::get<Answer>(ask("GET", "/task/five", {}, {})).status, 400U);
  const auto by_key = std::get<FindMsg>(ask("GET", "/task", "queue=mail&key=order%2017", {}));
  EXPECT_EQ(by_key.id, std::nullopt);
  EXPECT_EQ(by_key.key, "order 17");
  EXPECT_EQ(by_key.queue, "mail");
  EXPECT_EQ(std::get<Answer>(ask("GET", "/task", "key=", {})).status, 400U);
  EXPECT_EQ(std::get<Answer>(ask("GET", "/task", "key=a&queue=a,b", {})).status, 400U);
  EXPECT_EQ(std::get<Answer>(ask("GET", "/task", "key=a&batchsize=1", {})).status, 400U);
  EXPECT_EQ(std::get<Answer>(ask("GET", "/task/" + id_of(5).text(), "queue=mail", {})).status,
            400U);
}

TEST_F(WishesTest, EachBucketIsReadByThePage) {
  const auto page = [this](std::string path, std::string query) {
    return std::get<ReadPage>(ask("GET", std::move(path), std::move(query), {}));
  };
  EXPECT_EQ(page("/queue", "queue=mail").bucket, store::Bucket::queue);
  EXPECT_EQ(page("/queue", "queue=mail").query.queue, "mail");
  EXPECT_EQ(page("/queue", "queue=default").query.queue, "");
  const auto later = page("/later", "after=998." + id_of(2).text());
  EXPECT_EQ(later.bucket, store::Bucket::later);
  EXPECT_EQ(later.query.after, id_of(2));
  EXPECT_EQ(later.query.after_date, core::from_us(998));
  EXPECT_EQ(page("/report", "since=0").query.since, 0U);
  EXPECT_EQ(page("/fail", "since=18446744073709551615").query.since, UINT64_MAX);
  for (const auto& [path, query] : std::vector<std::pair<std::string, std::string>>{
           {"/later", "after=" + id_of(2).text()},
           {"/later", "after=998"},
           {"/later", "after=-1." + id_of(2).text()},
           {"/report", "after=998." + id_of(2).text()},
           {"/queue", "since=0"},
           {"/later", "since=0"},
           {"/batch", "since=0"},
           {"/batch", "records=1"},
           {"/report", "since="},
           {"/report", "since=-1"},
           {"/report", "since=1&after=" + id_of(2).text()},
           {"/fail", "queue=A"}}) {
    EXPECT_EQ(std::get<Answer>(ask("GET", path, query, {})).status, 400U) << path << "?" << query;
  }
}

}  // namespace
}  // namespace pena::turn::test
