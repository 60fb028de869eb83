// POST /task as a client sees it: what it writes a server reads, and the other way round.
#include "wire/submit_body.hpp"

#include <gtest/gtest.h>

namespace pena::wire {
namespace {

using namespace std::chrono_literals;

core::Xid id(std::uint32_t number) {
  return core::Xid{}.with(1000, number);
}

std::optional<Submission> read_back(const Submission& msg) {
  auto read = parse_submissions("[" + submission_json(msg) + "]", core::Limits{});
  if (!read || read->size() != 1) return std::nullopt;
  return std::move(read->front());
}

TEST(SubmitBody, OfAMsgThatSaysNothingIsEnough) {
  const auto read = read_back({});
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->id);
  EXPECT_EQ(read->payload, "");
  EXPECT_FALSE(read->wishes);
}

TEST(SubmitBody, SaysAllThatAMsgSays) {
  Submission msg{id(7), 382, R"({"to":"ann"})", std::make_unique<Wishes>()};
  msg.wishes->key = "order \"7\"";
  msg.wishes->delay = 90s;
  msg.wishes->max_resends = std::uint16_t{0};
  const auto read = read_back(msg);
  ASSERT_TRUE(read && read->wishes);
  EXPECT_EQ(read->id, id(7));
  EXPECT_EQ(read->period, 382U);
  EXPECT_EQ(read->payload, R"({"to":"ann"})");
  EXPECT_EQ(read->wishes->key, "order \"7\"");
  EXPECT_EQ(read->wishes->delay, 90s);
  EXPECT_EQ(read->wishes->max_resends, 0);
}

TEST(SubmitBody, TheAnswerIsRead) {
  const auto answer = parse_accepted(accepted_json({id(1), id(2)}, {id(2)}));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->ids, (std::vector{id(1), id(2)}));
  EXPECT_EQ(answer->known, std::vector{id(2)});
  EXPECT_TRUE(parse_accepted(R"({"ids":[],"known":[],"more":{"a":1}})"));
}

TEST(SubmitBody, WhatIsNoAnswerIsNone) {
  for (const char* const body : {"", "{}", "[]", R"({"known":[]})", R"({"ids":["x"]})",
                                 R"({"ids":[]} )"
                                 "x",
                                 R"({"error":"full"})"}) {
    EXPECT_FALSE(parse_accepted(body)) << body;
  }
}

}  // namespace
}  // namespace pena::wire
