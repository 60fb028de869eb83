#include "wire/json_cursor.hpp"

#include <gmock/gmock.h>

#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "support/json_reference.hpp"
#include "wire/json.hpp"

namespace pena::wire {
namespace {

using testing::HasSubstr;

constexpr int kDeep = 64;

std::string compact(std::string_view text) {
  JsonCursor cursor(text);
  const auto value = cursor.value(kDeep);
  EXPECT_TRUE(value && cursor.end()) << text;
  return value ? JsonCursor::compact(*value) : "";
}

TEST(JsonCursor, TakesWhatRfc8259Takes) {
  for (const std::string text :
       {"0", "-0", "-1.5e+3", "1E400", "1e-7", "123456789012345678901234567890", "true", "false",
        "null", "\"\"", "\"\\u00e9\\ud83d\\ude00\\n\\/\"",
        "\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\"", "[]", "{}",
        " [ 1 , [ ] , { \"a\" : null } ] ", "{\"a\":{\"a\":1},\"b\":[{\"a\":2}]}", "\"\x7f\""}) {
    EXPECT_FALSE(check_json(text, kDeep)) << text << ": " << check_json(text, kDeep)->sentence;
  }
}

class NoJson : public testing::TestWithParam<std::tuple<std::string, std::string>> {};
TEST_P(NoJson, IsRefusedAtItsPlace) {
  const auto refusal = check_json(std::get<0>(GetParam()), kDeep);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->status, 400U);
  EXPECT_THAT(refusal->sentence, HasSubstr(std::get<1>(GetParam())));
}
INSTANTIATE_TEST_SUITE_P(
    Texts, NoJson,
    testing::Values(
        std::tuple{"", "byte 1: expected a value"}, std::tuple{"nul", "byte 1: expected a value"},
        std::tuple{"[1,]", "byte 4: expected a value"},
        std::tuple{"[1 2]", "byte 4: expected a comma"},
        std::tuple{"[1}", "byte 3: expected a comma or the end of the array"},
        std::tuple{"{\"a\":1]", "byte 7: expected a comma or the end of the object"},
        std::tuple{"{a:1}", "byte 2: expected a key in quotes"},
        std::tuple{"{\"a\" 1}", "byte 6: expected a colon"},
        std::tuple{"{\"a\":1,}", "byte 8: expected a key"},
        std::tuple{"[] []", "byte 4: expected the end"},
        std::tuple{"01", "without a zero in front"}, std::tuple{"-", "byte 2: expected a digit"},
        std::tuple{"1.", "byte 3: expected a digit"}, std::tuple{"1e", "expected a digit"},
        std::tuple{"+1", "expected a value"}, std::tuple{".5", "expected a value"},
        std::tuple{"\"open", "byte 6: expected the end of the string"},
        std::tuple{"\"a\nb\"", "byte 3: expected a control character as an escape"},
        std::tuple{"\"\\x\"", "byte 2: expected an escape"},
        std::tuple{"\"\\u12g4\"", "four hexadecimal digits"},
        std::tuple{"\"\\ud800\"", "byte 2: expected surrogates in pairs"},
        std::tuple{"\"\\ude00\\ud83d\"", "surrogates in pairs"},
        std::tuple{"\"\\ud83d\\u0041\"", "surrogates in pairs"},
        std::tuple{"\"\xff\"", "byte 2: expected UTF-8"},
        std::tuple{"\"\xc0\x80\"", "expected UTF-8"},
        std::tuple{"\"\xe0\x9f\xbf\"", "expected UTF-8"},
        std::tuple{"\"\xed\xa0\x80\"", "expected UTF-8"},
        std::tuple{"\"\xf4\x90\x80\x80\"", "expected UTF-8"},
        std::tuple{"\"\xe2\x82\"", "expected UTF-8"},
        std::tuple{R"({"a":1,"\u0061":2})", "the key \"a\" stands twice"},
        std::tuple{R"([{"b":{"x":1,"y":2,"x":3}}])", "the key \"x\" stands twice"},
        std::tuple{std::string(4097, '7'), "a number of at most 4096 bytes"},
        std::tuple{std::string("[1\0]", 4), "byte 3: expected a comma"}));

TEST(JsonCursor, FindsATwinAmongManyKeys) {
  std::string object = "{\"k77\":0";
  for (int i = 0; i < 1000; ++i) object += ",\"k" + std::to_string(i) + "\":" + std::to_string(i);
  EXPECT_TRUE(check_json(object + "}", kDeep));
  EXPECT_FALSE(check_json("{" + object.substr(9) + "}", kDeep));
}

TEST(JsonCursor, BoundsTheDepthWithoutAStackOfItsOwn) {
  EXPECT_FALSE(check_json("[[1]]", 2));
  EXPECT_THAT(check_json("[[[1]]]", 2)->sentence, HasSubstr("deeper than 2 levels at byte 3"));
  EXPECT_TRUE(check_json("[]", 0));
  const std::string deep(1'000'000, '[');
  EXPECT_THAT(check_json(deep, 2'000'000)->sentence, HasSubstr("expected a value"));
}

TEST(JsonCursor, CompactsAndEscapesSeparatorsOfLines) {
  EXPECT_EQ(compact(" {\"a b\" : [ 1 ,\n2.50 ],\t\"c\": \"x \\\" y\" } "),
            R"({"a b":[1,2.50],"c":"x \" y"})");
  EXPECT_EQ(compact("\"\xc2\x85\xe2\x80\xa8\xe2\x80\xa9\""), R"("\u0085\u2028\u2029")");
  EXPECT_EQ(compact("{\"\xe2\x80\xa8\":\"\xc3\x85\xe2\x80\xa7\"}"),
            "{\"\\u2028\":\"\xc3\x85\xe2\x80\xa7\"}");
  EXPECT_EQ(compact("\"\\\\\""), "\"\\\\\"");
}

TEST(JsonCursor, ResolvesEscapes) {
  JsonCursor cursor(R"("a\"\\\/\b\f\n\r\t\u00e9\u20ac\ud83d\ude00")");
  EXPECT_EQ(JsonCursor::characters(*cursor.string()),
            "a\"\\/\b\f\n\r\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
}

// A text of all shapes, a few bytes changed anywhere: what is JSON here is JSON elsewhere, and its compact
// form has the same value.
TEST(JsonCursor, JudgesAsAnotherReaderDoes) {
  const std::vector<std::string> texts{
      R"([{"period": 382, "payload": {"a": [1, -2.5e3, true, null], "b": "te\u00e9xt"}}])",
      "{\"k\":\"\xc3\xa4\xe2\x80\xa8\",\"l\":[{},[],\"\\ud83d\\ude00\"],\"m\":0.125,\"n\":{\"k\":"
      "false}}"};
  constexpr std::string_view kBytes =
      "\"{}[]:,0123456789-+.eEtrufalsn\\ \n\x01\xff\xc3\xa4\xe2 uzkd8";
  std::mt19937 dice(1);
  int taken = 0;
  for (int turn = 0; turn < 100'000; ++turn) {
    std::string changed = texts[dice() % texts.size()];
    for (int n = 0; n < 1 + turn % 3; ++n) {
      changed[dice() % changed.size()] = kBytes[dice() % kBytes.size()];
    }
    const auto wanted = pena::test::is_json_elsewhere(changed);
    if (!wanted) continue;
    JsonCursor cursor(changed);
    const auto value = cursor.value(kDeep);
    ASSERT_EQ(value && cursor.end(), *wanted) << changed;
    if (!*wanted) continue;
    ++taken;
    ASSERT_EQ(nlohmann::json::parse(JsonCursor::compact(*value)), nlohmann::json::parse(changed))
        << changed;
  }
  EXPECT_GT(taken, 5'000);
}

}  // namespace
}  // namespace pena::wire
