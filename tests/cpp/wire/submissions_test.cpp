// POST /task: what its body may say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

#include "sample_ids.hpp"
#include "wire/json.hpp"

namespace pena::wire::test {
namespace {

using core::Xid;
using testing::HasSubstr;

Wishes wishes(const Outcome<std::vector<Submission>>& msgs, std::size_t at) {
  const Submission& msg = (*msgs)[at];
  return msg.wishes ? *msg.wishes : Wishes{};
}

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
                    std::tuple{R"({"id":"00000000000000000000"})", "no msg has that"},
                    std::tuple{R"({"priority":7})", "the key \"priority\""},
                    std::tuple{R"({"payload":1,"payload":2})", "stands twice"},
                    std::tuple{R"({"key":7})", "key is \"7\"; expected a string"},
                    std::tuple{R"({"key":""})", "of 0 bytes; expected 1 to 200 bytes of UTF-8"},
                    std::tuple{R"({"key":"a","key":"b"})", "stands twice"},
                    std::tuple{R"({"queue":"Mail"})",
                               "queue is \"Mail\"; expected 1 to 64 of a-z, 0-9, '.', '_' and '-'"},
                    std::tuple{R"({"queue":""})", "queue is \"\"; expected 1 to 64"},
                    std::tuple{R"({"queue":null})", "queue is \"null\"; expected a string"},
                    std::tuple{R"({"queue":"a","queue":"a"})", "stands twice"},
                    std::tuple{R"({"delay":-1})", "delay is \"-1\"; expected a whole number of ms"},
                    std::tuple{R"({"delay":31536000001})", "from 0 to 31536000000"},
                    std::tuple{R"({"delay":1,"delay":1})", "stands twice"},
                    std::tuple{R"({"due":4102444800000})",
                               "of unix ms, not seconds, from 100000000000 to 4102444799999"},
                    std::tuple{R"({"due":1795461517})",
                               "due is \"1795461517\"; expected a whole number of unix ms"},
                    std::tuple{R"({"due":99999999999})", "unix ms"},
                    std::tuple{R"({"due":0})", "unix ms"},
                    std::tuple{R"({"due":"2026-01-01"})", "due is '\"2026-01-01\"'"},
                    std::tuple{R"({"due":100000000000,"due":1})", "stands twice"},
                    std::tuple{R"({"due":100000000000,"delay":1})", "both delay and due"},
                    std::tuple{R"({"max_resends":1001})", "from 0 to 1000"},
                    std::tuple{R"({"max_resends":1,"max_resends":1})", "stands twice"}));

TEST(Submissions, HaveKeysQueuesDatesAndResendsOfTheirOwn) {
  const auto msgs = parse_submissions(
      R"([{"key":"a\u00e9 1","queue":"mail.eu-1_x","delay":1500,"max_resends":0},)"
      R"({"due":1795461517194,"max_resends":1000},{}])",
      {});
  ASSERT_TRUE(msgs);
  EXPECT_EQ(wishes(msgs, 0).key, "a\xc3\xa9 1");
  EXPECT_EQ(wishes(msgs, 0).queue, "mail.eu-1_x");
  EXPECT_EQ(wishes(msgs, 0).delay, std::chrono::milliseconds{1500});
  EXPECT_EQ(wishes(msgs, 0).due_at, std::nullopt);
  EXPECT_EQ(wishes(msgs, 0).max_resends, 0);
  EXPECT_EQ(wishes(msgs, 1).due_at, core::from_us(1'795'461'517'194'000));
  EXPECT_EQ(wishes(msgs, 1).max_resends, 1000);
  EXPECT_EQ(wishes(msgs, 2).key, "");
  EXPECT_EQ(wishes(msgs, 2).queue, "");
  EXPECT_EQ(wishes(msgs, 2).delay, std::nullopt);
  EXPECT_EQ(wishes(msgs, 2).max_resends, std::nullopt);
}

TEST(Submissions, TheQueueOfTheRequestIsThatOfTheMsgsThatNameNone) {
  const auto msgs = parse_submissions(R"([{},{"queue":"mail"},{"queue":"default"}])", {}, "other");
  ASSERT_TRUE(msgs);
  EXPECT_EQ(wishes(msgs, 0).queue, "other");
  EXPECT_EQ(wishes(msgs, 1).queue, "mail");
  EXPECT_EQ(wishes(msgs, 2).queue, "");
  EXPECT_EQ(wishes(parse_submissions("{}", {}, "default"), 0).queue, "");
}

TEST(Submissions, AKeyAsLongAsMayBeIsTakenAndALongerOneIsNot) {
  EXPECT_TRUE(parse_submissions(R"({"key":")" + std::string(200, 'k') + "\"}", {}));
  EXPECT_THAT(
      parse_submissions(R"({"key":")" + std::string(201, 'k') + "\"}", {}).refusal().sentence,
      HasSubstr("of 201 bytes"));
  EXPECT_TRUE(parse_submissions(R"({"queue":")" + std::string(64, 'q') + "\"}", {}));
  EXPECT_FALSE(parse_submissions(R"({"queue":")" + std::string(65, 'q') + "\"}", {}));
}

TEST(Submissions, TheSameKeyTwiceInOneQueueIsRefused) {
  EXPECT_TRUE(parse_submissions(R"([{"key":"a"},{"key":"b"},{"key":"a","queue":"q"}])", {}));
  EXPECT_EQ(parse_submissions(R"([{"key":"a","queue":"default"},{"key":"b"},{"key":"a"}])", {})
                .refusal()
                .sentence,
            R"(the msg key "a" stands twice for the queue default; expected it once)");
  EXPECT_EQ(
      parse_submissions(R"([{"key":"a\n","queue":"q"},{"key":"a\n"}])", {}, "q").refusal().sentence,
      R"(the msg key "a" stands twice for the queue q; expected it once)");
}

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
    append_msg_json(out, core::QueuedMsg{{kIdA, 0, (*msg)[0].payload}, {}, {}, {}}, 3);
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

}  // namespace
}  // namespace pena::wire::test
