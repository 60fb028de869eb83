#include "wire/json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

namespace pena::wire {
namespace {

using core::Xid;
using testing::HasSubstr;

const std::string kA = "9m4e2mr0ui3e8a215n4g";
const std::string kB = "cbvrr5s3r49lpu0cbt60";
const Xid kIdA = *Xid::parse(kA);
const Xid kIdB = *Xid::parse(kB);

std::string quoted(const std::string& text) {
  return "\"" + text + "\"";
}

// ---- POST /report

TEST(ReportBody, TakesAllItsForms) {
  const auto whole = parse_report(R"({"batch":")" + kB + R"(","ids":[")" + kA + R"("]})", {});
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->batch, kIdB);
  EXPECT_EQ(whole->ids, std::vector<Xid>{kIdA});
  EXPECT_FALSE(whole->partial);

  const auto array = parse_report(" [ \"" + kA + "\" , \"" + kB + "\" ]\n", {});
  ASSERT_TRUE(array);
  EXPECT_EQ(array->ids, (std::vector<Xid>{kIdA, kIdB}));
  EXPECT_FALSE(array->batch);

  const auto bare = parse_report(quoted(kA), {});
  ASSERT_TRUE(bare);
  EXPECT_TRUE(bare->partial);
  EXPECT_EQ(bare->ids, std::vector<Xid>{kIdA});

  EXPECT_TRUE(parse_report("[]", {}));
  EXPECT_TRUE(parse_report(R"({"ids":[]})", {}));
}

TEST(ReportBody, TakesFailedRefusedAndPartial) {
  const auto report =
      parse_report(R"({"failed":[{"id":")" + kA + R"(","error":"no \"luck\""}],)" +
                       R"("refused":[")" + kB + R"("],"partial":true,"batch":null})",
                   {});
  ASSERT_TRUE(report);
  ASSERT_EQ(report->failed.size(), 1U);
  EXPECT_EQ(report->failed[0].error, "no \"luck\"");
  EXPECT_EQ(report->refused, std::vector<Xid>{kIdB});
  EXPECT_TRUE(report->partial);
  EXPECT_FALSE(report->batch);
}

TEST(ReportBody, CountsAnIdThatStandsTwiceOnce) {
  EXPECT_EQ(parse_report("[\"" + kB + "\",\"" + kA + "\",\"" + kB + "\"]", {})->ids,
            (std::vector<Xid>{kIdB, kIdA}));
}

TEST(ReportBody, ReadsEscapesAsWell) {
  EXPECT_EQ(parse_report(R"(["\u0039m4e2mr0ui3e8a215n4g"])", {})->ids, std::vector<Xid>{kIdA});
}

class BadReport : public testing::TestWithParam<std::tuple<const char*, const char*>> {};
TEST_P(BadReport, IsRefusedWithASentence) {
  const auto report = parse_report(std::get<0>(GetParam()), {});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.refusal().status, 400U);
  EXPECT_THAT(report.refusal().sentence, HasSubstr(std::get<1>(GetParam())));
}
INSTANTIATE_TEST_SUITE_P(
    Bodies, BadReport,
    testing::Values(std::tuple{"", "not JSON"}, std::tuple{"{", "not JSON"},
                    std::tuple{"[1", "not JSON"}, std::tuple{"nonsense", "not JSON"},
                    std::tuple{"[] []", "not JSON"}, std::tuple{"[\"\xff\"]", "not JSON"},
                    std::tuple{"\xef\xbb\xbf[]", "byte order mark"},
                    std::tuple{"[1]", "has the id \"1\"; expected a string"},
                    std::tuple{"[null]", "expected a string"},
                    std::tuple{"[\"abc\"]", "\"abc\"; expected 20 characters"},
                    std::tuple{"17", "the report is \"17\""},
                    std::tuple{"null", "the report is \"null\""}, std::tuple{"{}", "none of ids"},
                    std::tuple{R"({"batch":null})", "none of ids"},
                    std::tuple{R"({"ids":"x"})", "an array of ids"},
                    std::tuple{R"({"ids":[],"ids":[]})", "stands twice"},
                    std::tuple{R"({"ids":[],"id":1})", "the key \"id\""},
                    std::tuple{R"({"ids":[],"partial":1})", "true or false"},
                    std::tuple{R"({"ids":[],"last":1})", "last is \"1\"; expected true or false"},
                    std::tuple{R"({"ids":[],"last":true})", "expected the batch"},
                    std::tuple{R"({"ids":[],"batch":5})", "batch has the id \"5\""},
                    std::tuple{R"({"failed":[1]})", "failed has \"1\""},
                    std::tuple{R"({"failed":[{"error":"x"}]})", "without an id"},
                    std::tuple{R"({"failed":[{"id":1}]})", "expected a string"},
                    std::tuple{R"({"failed":[{"id":null,"error":1,}]})", "not JSON"},
                    std::tuple{R"({"failed":[{"error":1}]})", "error is \"1\"; expected a string"},
                    std::tuple{R"({"failed":[{"why":"x"}]})", "the key \"why\""},
                    std::tuple{"[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]", "deeper than 16"}));

TEST(ReportBody, WithTooManyIdsIs413) {
  core::Limits limits;
  limits.report_ids = 1;
  EXPECT_TRUE(parse_report("[\"" + kA + "\"]", limits));
  for (const std::string& body :
       std::vector<std::string>{"[\"" + kA + "\",\"" + kB + "\"]",
                                R"({"ids":[")" + kA + R"("],"refused":[")" + kB + R"("]})",
                                R"({"ids":[")" + kA + R"("],"failed":[{"id":")" + kB + R"("}]})"}) {
    const auto report = parse_report(body, limits);
    ASSERT_FALSE(report) << body;
    EXPECT_EQ(report.refusal().status, 413U);
  }
}

// ---- POST /task

TEST(Submissions, TakesOneOrMany) {
  const auto one =
      parse_submissions(R"({"period":5,"payload":{"a": [1, 2 ]},"id":")" + kA + "\"}", {});
  ASSERT_TRUE(one);
  ASSERT_EQ(one->size(), 1U);
  EXPECT_EQ((*one)[0].period, 5U);
  EXPECT_EQ((*one)[0].payload, R"({"a":[1,2]})");
  EXPECT_EQ((*one)[0].id, kIdA);
  const auto many = parse_submissions(R"([{}, {"payload":null}, {"payload":"a b"}])", {});
  ASSERT_TRUE(many);
  ASSERT_EQ(many->size(), 3U);
  EXPECT_EQ((*many)[1].payload, "");
  EXPECT_EQ((*many)[2].payload, "\"a b\"");
}

TEST(Submissions, KeepsNumbersAndStringsOfAPayloadDigitForDigit) {
  const std::string payload =
      R"({"big":123456789012345678901234567890,"f":1.10,"e":1E5,"s":"a\u00e9 \" { \\"})";
  const auto msg = parse_submissions("{ \"payload\" : " + payload + " }", {});
  ASSERT_TRUE(msg);
  EXPECT_EQ((*msg)[0].payload, payload);
}

class BadSubmission : public testing::TestWithParam<std::tuple<const char*, const char*>> {};
TEST_P(BadSubmission, IsRefusedWithASentence) {
  const auto msgs = parse_submissions(std::get<0>(GetParam()), {});
  ASSERT_FALSE(msgs);
  EXPECT_EQ(msgs.refusal().status, 400U);
  EXPECT_THAT(msgs.refusal().sentence, HasSubstr(std::get<1>(GetParam())));
}
INSTANTIATE_TEST_SUITE_P(
    Bodies, BadSubmission,
    testing::Values(std::tuple{"", "not JSON"}, std::tuple{"7", "the body is \"7\""},
                    std::tuple{"[]", "the array is empty"}, std::tuple{"[7]", "a msg is \"7\""},
                    std::tuple{R"({"period":-1})", "period is \"-1\""},
                    std::tuple{R"({"period":1.5})", "period is \"1.5\""},
                    std::tuple{R"({"period":"5"})", "whole number of ms"},
                    std::tuple{R"({"period":86400001})", "from 0 to 86400000"},
                    std::tuple{R"({"id":"x"})", "expected 20 characters"},
                    std::tuple{R"({"id":7})", "expected a string"},
                    std::tuple{R"({"priority":7})", "the key \"priority\""},
                    std::tuple{R"({"payload":1,"payload":2})", "stands twice"}));

TEST(Submissions, TheSameIdTwiceIsRefused) {
  const std::string msg = R"({"id":")" + kA + "\"}";
  EXPECT_THAT(parse_submissions("[" + msg + "," + msg + "]", {}).refusal().sentence,
              HasSubstr(kA + " stands twice"));
}

TEST(Submissions, BeyondTheLimitsAre413) {
  core::Limits limits;
  limits.submit_msgs = 2;
  limits.payload_bytes = 5;
  EXPECT_TRUE(parse_submissions("[{},{}]", limits));
  EXPECT_EQ(parse_submissions("[{},{},{}]", limits).refusal().status, 413U);
  EXPECT_TRUE(parse_submissions(R"({"payload":"abc"})", limits));
  EXPECT_EQ(parse_submissions(R"({"payload":"abcd"})", limits).refusal().status, 413U);
}

TEST(Submissions, APayloadMayBeAsDeepAsTheLimitSays) {
  core::Limits limits;
  limits.json_depth = 3;
  EXPECT_TRUE(parse_submissions(R"([{"payload":[[[1]]]}])", limits));
  EXPECT_FALSE(parse_submissions(R"([{"payload":[[[[1]]]]}])", limits));
  // Alone as well as in an array.
  EXPECT_TRUE(parse_submissions(R"({"payload":[[[1]]]})", limits));
  EXPECT_FALSE(parse_submissions(R"({"payload":[[[[1]]]]})", limits));
}

TEST(Submissions, ANumberThatIsTakenIsReadByTheClientToo) {
  for (const std::string& number :
       {std::string(309, '9'), std::string(4096, '1'), std::string{"1e400"}, std::string{"-0.0"}}) {
    const auto msg = parse_submissions("{\"payload\":" + number + "}", {});
    ASSERT_TRUE(msg) << number;
    std::string out;
    append_msg_json(out, core::QueuedMsg{{kIdA, 0, (*msg)[0].payload}, {}, {}, {}});
    const auto read = parse_msg_json(out);
    ASSERT_TRUE(read) << number;
    EXPECT_EQ(read->payload, number);
  }
  EXPECT_FALSE(parse_submissions("{\"payload\":" + std::string(4097, '1') + "}", {}));
}

TEST(Submissions, SpaceSignsAndOtherAlphabetsAreReadLikeTheRest) {
  const auto msgs = parse_submissions(
      "[{\"period\": 5, \"payload\": {\"a\": -1.5, \"b\": null, \"c\": \"\xc3\xa4\"}},\n "
      "{\"payload\": "
      "\"a\xe2\x80\xa8z\"}]",
      {});
  ASSERT_TRUE(msgs);
  EXPECT_EQ((*msgs)[0].payload, "{\"a\":-1.5,\"b\":null,\"c\":\"\xc3\xa4\"}");
  EXPECT_EQ((*msgs)[1].payload, "\"a\\u2028z\"");
}

// ---- what is written

TEST(MsgJson, IsWhatTheBriefSays) {
  std::string out;
  append_msg_json(out, core::QueuedMsg{{kIdA, 382, ""}, {}, {}, {}});
  EXPECT_EQ(out, R"({"id":"9m4e2mr0ui3e8a215n4g","period":382})");
}

TEST(MsgJson, CarriesPayloadAndAttemptAndIsReadBack) {
  core::QueuedMsg msg{{kIdA, 5, R"({"a":[1,"x"]})"}, {}, {}, {}};
  msg.misses.resize(2);
  std::string out;
  append_msg_json(out, msg);
  EXPECT_EQ(out, R"({"id":")" + kA + R"(","period":5,"payload":{"a":[1,"x"]},"attempt":3})");
  const auto read = parse_msg_json(out);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->id, kIdA);
  EXPECT_EQ(read->period, 5U);
  EXPECT_EQ(read->payload, R"({"a":[1,"x"]})");
  EXPECT_EQ(read->attempt, 3);
}

TEST(MsgJson, WhatIsNoMsgIsNotRead) {
  for (const char* data :
       {"", "x", "[]", "{}", R"({"id":"9m4e2mr0ui3e8a215n4g"})", R"({"id":1,"period":2})",
        R"({"id":"9m4e2mr0ui3e8a215n4g","period":-2})"}) {
    EXPECT_FALSE(parse_msg_json(data)) << data;
  }
}

TEST(ReportJson, IsReadBackByTheServer) {
  core::Reported report;
  report.batch = kIdB;
  report.ids = {kIdA};
  report.failed = {{kIdB, "quote \" and \n line"}};
  report.refused = {kIdA};
  report.partial = true;
  const auto read = parse_report(report_json(report), {});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->batch, report.batch);
  EXPECT_EQ(read->ids, report.ids);
  EXPECT_EQ(read->failed.at(0).error, report.failed[0].error);
  EXPECT_EQ(read->refused, report.refused);
  EXPECT_TRUE(read->partial);
}

TEST(Answers, AreWhatTheProtocolSays) {
  EXPECT_EQ(error_json("a \"b\"\n"), R"({"error":"a \"b\"\n"})");
  EXPECT_EQ(error_json("a\xe2\x80\xa8z"), R"({"error":"a\u2028z"})");
  EXPECT_EQ(ids_json({}), R"({"ids":[]})");
  EXPECT_EQ(ids_json({kIdA, kIdB}), R"({"ids":["9m4e2mr0ui3e8a215n4g","cbvrr5s3r49lpu0cbt60"]})");
  const std::string success = report_success_json(1, 2, 3);
  EXPECT_EQ(success, R"({"message":"success","reported":1,"duplicate":2,"unknown":3})");
  EXPECT_EQ(parse_report_answer(success)->duplicate, 2U);
  EXPECT_FALSE(parse_report_answer(R"({"message":"no"})"));
  EXPECT_EQ(parse_error(R"({"error":"why"})"), "why");
  EXPECT_EQ(parse_error("why"), std::nullopt);
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
}  // namespace pena::wire
