// POST /report: what its body may say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

#include "sample_ids.hpp"
#include "wire/json.hpp"

namespace pena::wire::test {
namespace {

using core::Xid;
using testing::HasSubstr;

std::string quoted(const std::string& text) {
  return "\"" + text + "\"";
}

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

TEST(ReportBody, AClientMayTakeNoMore) {
  const auto leave = parse_report(R"({"last":true,"client":")" + kA + R"("})", {});
  ASSERT_TRUE(leave);
  EXPECT_EQ(leave->client, kIdA);
  EXPECT_TRUE(leave->last);
  EXPECT_FALSE(leave->batch);
  const auto read = parse_report(report_json(*leave), {});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->client, kIdA);
  EXPECT_TRUE(read->last);
}

TEST(ReportBody, AClientGoesWithLastAlone) {
  const std::string begin = R"({"client":")" + kA + R"(","last":true,)";
  const std::vector<std::pair<std::string, std::string>> others{
      {"ids", "[]"},     {"batch", quoted(kB)}, {"batch", "null"},   {"failed", "[]"},
      {"refused", "[]"}, {"results", "{}"},     {"partial", "false"}};
  for (const auto& [name, value] : others) {
    const auto report = parse_report(begin + quoted(name) + ":" + value + "}", {});
    ASSERT_FALSE(report) << name;
    EXPECT_EQ(report.refusal().status, 400U);
    EXPECT_EQ(report.refusal().sentence,
              "the report has both client and " + name +
                  R"(; expected client with last alone: {"client":"<id>","last":true})");
  }
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

TEST(ReportBody, HasResultsThatAreCompactAndNoneWhereNull) {
  const auto report = parse_report(R"({"results":{")" + kB + R"(":{"a": [1.50, 2]},")" + kA +
                                       R"(":null},"ids":[")" + kA + "\",\"" + kB + "\"]}",
                                   {});
  ASSERT_TRUE(report);
  ASSERT_EQ(report->results.size(), 1U);
  EXPECT_EQ(report->results[0].id, kIdB);
  EXPECT_EQ(report->results[0].json, R"({"a":[1.50,2]})");
}

TEST(ReportBody, AResultMayBeAsLargeAndAsDeepAsTheLimitsSay) {
  core::Limits limits;
  limits.result_bytes = 5;
  limits.json_depth = 20;
  const auto with = [](const std::string& result) {
    return R"({"ids":[")" + kA + R"("],"results":{")" + kA + "\":" + result + "}}";
  };
  const std::string deep = std::string(20, '[') + std::string(20, ']');
  EXPECT_TRUE(parse_report(with("\"abc\""), limits));
  const auto large = parse_report(with("\"abcd\""), limits);
  ASSERT_FALSE(large);
  EXPECT_EQ(large.refusal().status, 413U);
  EXPECT_EQ(large.refusal().sentence, "the result of " + kA + " has 6 bytes; expected at most 5");
  limits.result_bytes = 100;
  EXPECT_TRUE(parse_report(with(deep), limits));
  EXPECT_THAT(parse_report(with("[" + deep + "]"), limits).refusal().sentence,
              HasSubstr("deeper than 20"));
}

TEST(ReportBody, SaysWhenAndWhetherAFailedMsgIsSentAgain) {
  const auto report = parse_report(
      R"({"failed":[{"id":")" + kA + R"(","retry_in":0},{"id":")" + kB + R"(","final":true}]})",
      {});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->failed.at(0).retry_in, core::Duration{0});
  EXPECT_EQ(report->failed.at(1).retry_in, std::nullopt);
  EXPECT_TRUE(report->failed.at(1).final);
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
    testing::Values(
        std::tuple{"", "not JSON"}, std::tuple{"{", "not JSON"}, std::tuple{"[1", "not JSON"},
        std::tuple{"nonsense", "not JSON"}, std::tuple{"[] []", "not JSON"},
        std::tuple{"[\"\xff\"]", "not JSON"}, std::tuple{"\xef\xbb\xbf[]", "byte order mark"},
        std::tuple{"[1]", "has the id \"1\"; expected a string"},
        std::tuple{"[null]", "expected a string"},
        std::tuple{"[\"abc\"]", "\"abc\"; expected 20 characters"},
        std::tuple{"17", "the report is \"17\""}, std::tuple{"null", "the report is \"null\""},
        std::tuple{"{}", "none of ids"}, std::tuple{R"({"batch":null})", "none of ids"},
        std::tuple{R"({"ids":"x"})", "an array of ids"},
        std::tuple{R"({"ids":[],"ids":[]})", "stands twice"},
        std::tuple{R"({"ids":[],"id":1})", "the key \"id\""},
        std::tuple{R"({"ids":[],"partial":1})", "true or false"},
        std::tuple{R"({"ids":[],"last":1})", "last is \"1\"; expected true or false"},
        std::tuple{R"({"ids":[],"last":true})",
                   "expected the batch whose client takes no more, or that client"},
        std::tuple{R"({"client":"9m4e2mr0ui3e8a215n4g"})",
                   "client without \"last\":true; expected {\"client\":\"<id>\",\"last\":true}"},
        std::tuple{R"({"client":"9m4e2mr0ui3e8a215n4g","last":false})", "without \"last\":true"},
        std::tuple{R"({"client":"00000000000000000000","last":true})", "the id of zeros"},
        std::tuple{R"({"client":null,"last":true})",
                   "client has the id \"null\"; expected a string"},
        std::tuple{R"({"client":"c1","last":true})", "client has the id \"c1\"; expected 20"},
        std::tuple{R"({"client":"9m4e2mr0ui3e8a215n4g","client":1})", "stands twice"},
        std::tuple{R"({"ids":[],"batch":5})", "batch has the id \"5\""},
        std::tuple{R"({"failed":[1]})", "failed has \"1\""},
        std::tuple{R"({"failed":[{"error":"x"}]})", "without an id"},
        std::tuple{R"({"failed":[{"id":1}]})", "expected a string"},
        std::tuple{R"({"failed":[{"id":null,"error":1,}]})", "not JSON"},
        std::tuple{R"({"failed":[{"error":1}]})", "error is \"1\"; expected a string"},
        std::tuple{R"({"failed":[{"why":"x"}]})", "the key \"why\""},
        std::tuple{R"({"failed":[{"retry_in":-1}]})",
                   "retry_in is \"-1\"; expected a whole number of ms from 0 to "
                   "31536000000"},
        std::tuple{R"({"failed":[{"retry_in":31536000001}]})", "31536000001"},
        std::tuple{R"({"failed":[{"retry_in":1,"retry_in":1}]})", "stands twice"},
        std::tuple{R"({"failed":[{"final":1}]})", "true or false"},
        std::tuple{R"({"failed":[{"final":true,"final":true}]})", "stands twice"},
        std::tuple{R"({"failed":[{"id":"9m4e2mr0ui3e8a215n4g","final":true,"retry_in":5}]})",
                   "9m4e2mr0ui3e8a215n4g with both retry_in and final"},
        std::tuple{R"({"ids":[],"results":[]})", "results is \"[]\"; expected an object"},
        std::tuple{R"({"ids":[],"results":{"x":1}})",
                   "results has the key \"x\"; expected the ids"},
        std::tuple{R"({"ids":[],"results":{},"results":{}})", "stands twice"},
        std::tuple{R"({"results":{}})", "none of ids"},
        std::tuple{R"({"ids":[],"results":{"9m4e2mr0ui3e8a215n4g":1}})",
                   "9m4e2mr0ui3e8a215n4g, which is not among ids"},
        std::tuple{R"({"ids":[],"results":{"9m4e2mr0ui3e8a215n4g":null}})",
                   "which is not among ids"},
        std::tuple{R"({"ids":["9m4e2mr0ui3e8a215n4g"],"results":)"
                   R"({"9m4e2mr0ui3e8a215n4g":1,"\u0039m4e2mr0ui3e8a215n4g":1}})",
                   "the key \"9m4e2mr0ui3e8a215n4g\" stands twice"},
        std::tuple{"[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]", "deeper than 18"}));

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

TEST(ReportJson, IsReadBackByTheServer) {
  core::Reported report;
  report.batch = kIdB;
  report.ids = {kIdA};
  report.failed = {{kIdB, "quote \" and \n line"},
                   {kIdA, "", std::chrono::milliseconds{5}, false},
                   {kIdB, "", std::nullopt, true}};
  report.results = {{kIdA, R"({"a":[1,"x"]})"}};
  report.refused = {kIdA};
  report.partial = true;
  const auto read = parse_report(report_json(report), {});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->batch, report.batch);
  EXPECT_EQ(read->ids, report.ids);
  EXPECT_EQ(read->failed.at(0).error, report.failed[0].error);
  EXPECT_EQ(read->failed.at(0).retry_in, std::nullopt);
  EXPECT_FALSE(read->failed.at(0).final);
  EXPECT_EQ(read->failed.at(1).retry_in, std::chrono::milliseconds{5});
  EXPECT_TRUE(read->failed.at(2).final);
  ASSERT_EQ(read->results.size(), 1U);
  EXPECT_EQ(read->results[0].id, kIdA);
  EXPECT_EQ(read->results[0].json, report.results[0].json);
  EXPECT_EQ(read->refused, report.refused);
  EXPECT_TRUE(read->partial);
}

}  // namespace
}  // namespace pena::wire::test
