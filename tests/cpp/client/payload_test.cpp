// Payloads as text.
#include "client/payload.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace pena::client {
namespace {

using testing::Optional;

TEST(Payload, AStringIsItsCharactersAndAnythingElseIsJson) {
  EXPECT_EQ(payload_text(R"("a\n\u00e4")"), "a\n\xC3\xA4");
  EXPECT_EQ(payload_text(R"({ "a" : [1, 2] })"), R"({"a":[1,2]})");
  EXPECT_EQ(payload_text("12345678901234567890.50"), "12345678901234567890.50");
  EXPECT_EQ(payload_text(""), "");
}

TEST(Payload, AFieldIsFoundByItsPath) {
  const std::string payload = R"({"to":"ann","n":7,"at":{"city":"Ulm","zip":{"a":1}},"none":null})";
  EXPECT_THAT(payload_field(payload, "to"), Optional(std::string{"ann"}));
  EXPECT_THAT(payload_field(payload, "n"), Optional(std::string{"7"}));
  EXPECT_THAT(payload_field(payload, "at.city"), Optional(std::string{"Ulm"}));
  EXPECT_THAT(payload_field(payload, "at.zip"), Optional(std::string{R"({"a":1})"}));
  for (const char* const none : {"none", "no", "to.x", "at.no", "", ".", "at..city"}) {
    EXPECT_FALSE(payload_field(payload, none)) << none;
  }
  EXPECT_FALSE(payload_field(R"(["to"])", "to"));
  EXPECT_FALSE(payload_field("", "to"));
  EXPECT_THAT(payload_field(R"({"":"e","a\"b":"q"})", "a\"b"), Optional(std::string{"q"}));
}

TEST(Payload, WhatIsNoJsonIsNamed) {
  EXPECT_EQ(json_problem(R"({"a":1})"), "");
  EXPECT_THAT(json_problem("{a:1}"), testing::StartsWith("is not JSON: wrong at byte 2"));
  EXPECT_THAT(json_problem("1 2"), testing::StartsWith("is not JSON: wrong at byte 3"));
  EXPECT_THAT(json_problem(std::string(600, '[')), testing::StartsWith("is nested deeper"));
  EXPECT_THAT(json_problem(R"({"a":1,"a":2})"),
              testing::StartsWith("is not taken: the key \"a\" stands twice"));
}

TEST(Payload, JsonIsMadeCompact) {
  EXPECT_THAT(compact_json(" {\n \"a\" : 1 }\n"), Optional(std::string{R"({"a":1})"}));
  EXPECT_FALSE(compact_json("hello"));
  EXPECT_FALSE(compact_json("")) << "nothing is no JSON";
  EXPECT_FALSE(compact_json(std::string(17, '[') + std::string(17, ']')));
}

}  // namespace
}  // namespace pena::client
