#include "core/content.hpp"

#include <gtest/gtest.h>

namespace pena::core {
namespace {

constexpr int kMaxResends = 3;

TEST(Content, WhatIsAnotherIsNamed) {
  const Content content{1, 382, std::nullopt, "order 7", hash_of("[1]")};
  const auto other = [&](auto change) {
    Content changed = content;
    change(changed);
    return difference(changed, content, kMaxResends);
  };
  EXPECT_EQ(difference(content, content, kMaxResends), "");
  EXPECT_EQ(other([](Content& it) { it.payload = hash_of("[2]"); }), "payload");
  EXPECT_EQ(other([](Content& it) { it.payload = hash_of(""); }), "payload");
  EXPECT_EQ(other([](Content& it) { it.payload.reset(); }), "") << "nobody knows it";
  EXPECT_EQ(other([](Content& it) { it.period = 1; }), "period");
  EXPECT_EQ(other([](Content& it) { it.queue = 2; }), "queue");
  EXPECT_EQ(other([](Content& it) { it.key.clear(); }), "key");
  EXPECT_EQ(other([](Content& it) { it.max_resends = 4; }), "max_resends");
  EXPECT_EQ(other([](Content& it) { it.period = it.queue = 5; }), "period and queue");
  EXPECT_EQ(other([](Content& it) {
              it = Content{2, 1, 0, "", hash_of("")};
            }),
            "payload, period, queue, key and max_resends");
}

TEST(Content, WhoSaysTheDefaultSaysWhatWhoeverLeavesItOutMeans) {
  Content said;
  said.max_resends = kMaxResends;
  EXPECT_EQ(difference(said, {}, kMaxResends), "");
  EXPECT_EQ(difference({}, said, kMaxResends), "");
  EXPECT_EQ(difference({}, said, kMaxResends + 1), "max_resends");
  EXPECT_EQ(difference(said, said, kMaxResends + 1), "");
}

}  // namespace
}  // namespace pena::core
