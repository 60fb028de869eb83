// What the quick way reads is what the careful one reads.
#include "wire/plain_body.hpp"

#include <gmock/gmock.h>

#include <random>
#include <string>

namespace pena::wire {
namespace {

core::Xid id_of(std::uint32_t number) {
  core::Xid::Bytes bytes{};
  for (std::size_t i = 0; i < 4; ++i) {
    bytes[8 + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  }
  return core::Xid{bytes};
}

// The same msg by the careful way: an escape in a key is none of the quick one's business.
std::string careful(std::string body) {
  const std::string key = "\"period\"";
  for (std::size_t at = 0; (at = body.find(key, at)) != std::string::npos; at += 1) {
    body.replace(at, key.size(), "\"\\u0070eriod\"");
  }
  return body;
}

TEST(PlainBody, TakesPayloadsOfEveryKind) {
  const core::Limits limits;
  for (const char* payload :
       {"1", "0", "12345678901234567890", "true", "false", "\"\"", "\"a text\"", "[]", "{}",
        "[1,2,[3]]", R"({"a":1,"b":{"a":[true,"x"]}})", R"({"key with ,:{}[] in it":"}]"})"}) {
    const std::string body = std::string{R"([{"period":7,"payload":)"} + payload + "}]";
    const auto plain = plain_submissions(body, limits);
    ASSERT_TRUE(plain) << body;
    EXPECT_EQ(plain->front().payload, payload);
    EXPECT_FALSE(plain_submissions(careful(body), limits)) << body;
    const auto slow = parse_submissions(careful(body), limits);
    ASSERT_TRUE(slow) << body;
    EXPECT_EQ((*slow).front().payload, payload);
    EXPECT_EQ((*slow).front().period, 7U);
  }
}

TEST(PlainBody, LeavesAllElseToTheCarefulWay) {
  const core::Limits limits;
  for (const char* body : {"",
                           " ",
                           "[",
                           "[]",
                           "{",
                           "}",
                           "[{}",
                           "{}]",
                           "[{},]",
                           "{} {}",
                           R"({"period":01})",
                           R"({"period":-1})",
                           R"({"period":1.0})",
                           R"({"period":1e3})",
                           R"({"period":"1"})",
                           R"({"period":99999999999})",
                           R"({"period":1,"period":1})",
                           R"({"payload":1,"payload":2})",
                           R"({"payload":null})",
                           R"({"payload":nul})",
                           R"({"payload":01})",
                           R"({"payload":1.5})",
                           R"({"payload":-1})",
                           R"({"payload":"\u0041"})",
                           "{\"payload\":\"\xc3\xa4\"}",
                           "{\"payload\":\"\n\"}",
                           R"({"payload":"open})",
                           R"({"payload":[1,]})",
                           R"({"payload":{"a":1,"a":2}})",
                           R"({"payload":{"a"}})",
                           R"({"payload":[1, 2]})",
                           R"({"payload":{a:1}})",
                           R"({"other":1})",
                           R"({"id":"tooshort"})",
                           R"({"period" 1})",
                           R"([{"id":"00000000000000000000"},{"id":"00000000000000000000"}])",
                           R"({"payload":[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]})"}) {
    EXPECT_FALSE(plain_submissions(body, limits)) << body;
  }
  for (const char* body : {"", "[", "[\"", "{}", "[],", R"(["00000000000000000000",])",
                           R"("00000000000000000000")", R"({"batch":"00000000000000000000"})",
                           R"({"ids":[],"ids":[]})", R"({"ids":[],"partial":true})",
                           R"(["0000000000000000000w"])", R"(["00000000000000000001"])"}) {
    EXPECT_FALSE(plain_report(body, limits)) << body;
  }
}

TEST(PlainBody, KeepsTheLimits) {
  core::Limits limits;
  limits.submit_msgs = 2;
  limits.report_ids = 2;
  limits.payload_bytes = 3;
  limits.period_ms = 10;
  EXPECT_TRUE(plain_submissions("[{},{}]", limits));
  EXPECT_FALSE(plain_submissions("[{},{},{}]", limits));
  EXPECT_TRUE(plain_submissions(R"({"period":10,"payload":123})", limits));
  EXPECT_FALSE(plain_submissions(R"({"period":11})", limits));
  EXPECT_FALSE(plain_submissions(R"({"payload":1234})", limits));
  const std::string id = "\"" + id_of(1).text() + "\"";
  EXPECT_TRUE(plain_report("[" + id + "," + id + "]", limits));
  EXPECT_FALSE(plain_report("[" + id + "," + id + "," + id + "]", limits));
}

// One byte changed, anywhere: what the quick way still takes, the careful one takes alike.
TEST(PlainBody, NeverTakesWhatTheCarefulWayRefuses) {
  const core::Limits limits;
  const std::string body = R"([{"period":382,"payload":{"a":[1,20,true],"b":"text"}},{"id":")" +
                           id_of(5).text() + R"(","period":0,"payload":"x"}])";
  constexpr std::string_view kBytes = "\"{}[]:,0123456789-+.eEtrufalsn\\ \n\x01\xff z";
  std::mt19937 dice(1);
  int taken = 0;
  for (int turn = 0; turn < 20'000; ++turn) {
    std::string changed = body;
    for (int n = 0; n < 1 + turn % 2; ++n) {
      changed[dice() % changed.size()] = kBytes[dice() % kBytes.size()];
    }
    const auto plain = plain_submissions(changed, limits);
    if (!plain) continue;
    ++taken;
    const auto slow = parse_submissions(careful(changed), limits);
    ASSERT_TRUE(slow) << changed;
    ASSERT_EQ(plain->size(), (*slow).size()) << changed;
    for (std::size_t i = 0; i < plain->size(); ++i) {
      EXPECT_EQ((*plain)[i].id, (*slow)[i].id) << changed;
      EXPECT_EQ((*plain)[i].period, (*slow)[i].period) << changed;
      EXPECT_EQ((*plain)[i].payload, (*slow)[i].payload) << changed;
    }
  }
  EXPECT_GT(taken, 1000);
}

}  // namespace
}  // namespace pena::wire
