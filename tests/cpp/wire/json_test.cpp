// What is written, and read by a client.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample_ids.hpp"
#include "wire/json.hpp"
#include "wire/page_json.hpp"

namespace pena::wire::test {
namespace {

using core::Xid;
using testing::HasSubstr;

TEST(MsgJson, IsWhatTheBriefSays) {
  std::string out;
  append_msg_json(out, core::QueuedMsg{{kIdA, 382, ""}, {}, {}, {}}, 3);
  EXPECT_EQ(out, R"({"id":"9m4e2mr0ui3e8a215n4g","period":382})");
}

TEST(MsgJson, CarriesPayloadAndAttemptAndIsReadBack) {
  core::QueuedMsg msg{{kIdA, 5, R"({"a":[1,"x"]})"}, {}, {}, {}};
  msg.attempts = 2;
  std::string out;
  append_msg_json(out, msg, 3);
  EXPECT_EQ(out, R"({"id":")" + kA + R"(","period":5,"payload":{"a":[1,"x"]},"attempt":3})");
  const auto read = parse_msg_json(out);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->id, kIdA);
  EXPECT_EQ(read->period, 5U);
  EXPECT_EQ(read->payload, R"({"a":[1,"x"]})");
  EXPECT_EQ(read->attempt, 3);
}

TEST(MsgJson, SaysQueueAndKeyWhereThereIsOne) {
  core::QueuedMsg msg{{kIdA, 5, "1"}, {}, {}, {}};
  msg.msg.key = "order \"17\"\n";
  msg.attempts = 1;
  std::string out;
  append_msg_json(out, msg, 3, "mail");
  EXPECT_EQ(out,
            R"({"id":")" + kA +
                R"(","period":5,"payload":1,"queue":"mail","key":"order \"17\"\n","attempt":2})");
  const auto read = parse_msg_json(out);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->queue, "mail");
  EXPECT_EQ(read->key, msg.msg.key);
  out.clear();
  append_msg_json(out, {{kIdA, 5, {}, 2}, {}, {}, {}}, 3, "mail");
  EXPECT_EQ(out, R"({"id":")" + kA + R"(","period":5,"queue":"mail"})");
}

TEST(MsgJson, SaysAtTheLastAttemptThatItIs) {
  const auto data = [](std::uint16_t attempts, std::optional<std::uint16_t> own, int max_resends) {
    core::QueuedMsg msg{{kIdA, 5, {}}, {}, {}, {}};
    msg.msg.max_resends = own;
    msg.attempts = attempts;
    std::string out;
    append_msg_json(out, msg, max_resends);
    EXPECT_EQ(parse_msg_json(out)->last_attempt, out.find("last_attempt") != std::string::npos);
    return out.substr(out.find("\"period\""));
  };
  EXPECT_EQ(data(2, std::nullopt, 3), R"("period":5,"attempt":3})");
  EXPECT_EQ(data(3, std::nullopt, 3), R"("period":5,"attempt":4,"last_attempt":true})");
  EXPECT_EQ(data(0, std::nullopt, 0), R"("period":5,"last_attempt":true})");
  // Its own number goes before the server's, be it more or less.
  EXPECT_EQ(data(3, 10, 3), R"("period":5,"attempt":4})");
  EXPECT_EQ(data(10, 10, 3), R"("period":5,"attempt":11,"last_attempt":true})");
  EXPECT_EQ(data(0, 0, 3), R"("period":5,"last_attempt":true})");
  // The server came back with a smaller one: the next miss is the end all the same.
  EXPECT_EQ(data(3, std::nullopt, 1), R"("period":5,"attempt":4,"last_attempt":true})");
}

TEST(MsgJson, WhatIsNoMsgIsNotRead) {
  for (const char* data :
       {"", "x", "[]", "{}", R"({"id":"9m4e2mr0ui3e8a215n4g"})", R"({"id":1,"period":2})",
        R"({"id":"9m4e2mr0ui3e8a215n4g","period":-2})"}) {
    EXPECT_FALSE(parse_msg_json(data)) << data;
  }
}

TEST(Answers, AreWhatTheProtocolSays) {
  EXPECT_EQ(error_json("a \"b\"\n"), R"({"error":"a \"b\"\n"})");
  EXPECT_EQ(error_json("a\xe2\x80\xa8z"), R"({"error":"a\u2028z"})");
  EXPECT_EQ(ids_json({}), R"({"ids":[]})");
  EXPECT_EQ(ids_json({kIdA, kIdB}), R"({"ids":["9m4e2mr0ui3e8a215n4g","cbvrr5s3r49lpu0cbt60"]})");
  EXPECT_EQ(accepted_json({kIdA}, {}), R"({"ids":["9m4e2mr0ui3e8a215n4g"],"known":[]})");
  EXPECT_EQ(accepted_json({kIdA, kIdB}, {kIdB}),
            R"({"ids":["9m4e2mr0ui3e8a215n4g","cbvrr5s3r49lpu0cbt60"],)"
            R"("known":["cbvrr5s3r49lpu0cbt60"]})");
  EXPECT_EQ(parse_error(R"({"error":"why"})"), "why");
  EXPECT_EQ(parse_error("why"), std::nullopt);
}

TEST(Answers, ToAReportAreReadBackByTheClient) {
  const std::string success = report_success_json({1, 2, 3});
  EXPECT_EQ(success, R"({"message":"success","reported":1,"duplicate":2,"unknown":3})");
  EXPECT_EQ(parse_report_answer(success)->duplicate, 2U);
  EXPECT_EQ(parse_report_answer(success)->held, std::nullopt);
  const std::string held = report_success_json({1, 0, 0, 7});
  EXPECT_EQ(held, R"({"message":"success","reported":1,"duplicate":0,"unknown":0,"held":7})");
  EXPECT_EQ(parse_report_answer(held)->held, 7U);
  const std::string error = report_error_json("too \"late\"", {1, 2, 3});
  EXPECT_EQ(error, R"({"error":"too \"late\"","reported":1,"duplicate":2,"unknown":3})");
  EXPECT_EQ(parse_report_answer(error)->unknown, 3U);
  EXPECT_EQ(parse_error(error), "too \"late\"");
  EXPECT_FALSE(parse_report_answer(R"({"message":"no"})"));
  EXPECT_FALSE(parse_report_answer(R"({"error":"no"})"));
}

TEST(Pages, ArePutTogetherInPieces) {
  std::string empty;
  PageJson{"records"}.end(empty, std::nullopt);
  EXPECT_EQ(empty, R"({"records":[]})");
  std::string first;
  std::string second;
  PageJson page{"ids"};
  page.add(first, kIdA);
  page.add(second, kIdB);
  page.end(second, kIdB);
  EXPECT_EQ(first, R"({"ids":["9m4e2mr0ui3e8a215n4g")");
  EXPECT_EQ(second, R"(,"cbvrr5s3r49lpu0cbt60"],"next":"cbvrr5s3r49lpu0cbt60"})");
}

TEST(Records, TellTheWholeStory) {
  core::FailRecord record;
  record.msg = {kIdA, 5, R"({"a":1})"};
  record.accepted_at = core::from_us(1'763'920'800'123'456);
  record.failed_at = record.accepted_at;
  record.misses = {
      {kIdB, kIdB, record.accepted_at, record.failed_at, core::MissReason::failed, "x"}};
  record.attempts = 1;
  std::string json;
  PageJson page{"records"};
  page.add(json, record);
  page.end(json, kIdA);
  EXPECT_THAT(json, HasSubstr(R"("payload":{"a":1},"attempts":1)"));
  EXPECT_THAT(json, HasSubstr(R"("failed_at":"2025-11-23T18:00:00.123Z")"));
  EXPECT_THAT(json, HasSubstr(R"("misses":[{"reason":"failed","batch":)"));
  EXPECT_THAT(json, HasSubstr(R"("error":"x"}]}],"next":)"));
}

}  // namespace
}  // namespace pena::wire::test
