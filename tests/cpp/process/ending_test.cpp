// When a process is asked to end, and when it is made to: in times that nobody waits for.
#include "process/ending.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace pena::process {
namespace {

using namespace std::chrono_literals;

const Ending::Time kBegan{100s};

TEST(Ending, WithoutATimeoutNothingIsEverDue) {
  Ending ending{kBegan, std::nullopt, 5s};
  EXPECT_EQ(ending.next(), std::nullopt);
  EXPECT_EQ(ending.due(kBegan + 1000h), 0);
  EXPECT_FALSE(ending.has_begun());
}

TEST(Ending, BehindTheTimeoutItIsAskedAndThenMadeTo) {
  Ending ending{kBegan, 30s, 5s};
  EXPECT_EQ(ending.next(), kBegan + 30s);
  EXPECT_EQ(ending.due(kBegan + 29s), 0);
  EXPECT_FALSE(ending.has_begun());
  // Late: the patience counts from when it was asked.
  EXPECT_EQ(ending.due(kBegan + 31s), SIGTERM);
  EXPECT_TRUE(ending.timed_out());
  EXPECT_FALSE(ending.was_asked());
  EXPECT_EQ(ending.next(), kBegan + 36s);
  EXPECT_EQ(ending.due(kBegan + 35s), 0) << "each once";
  EXPECT_EQ(ending.due(kBegan + 36s), SIGKILL);
  EXPECT_EQ(ending.next(), std::nullopt);
  EXPECT_EQ(ending.due(kBegan + 99s), 0);
}

TEST(Ending, SomebodyMayAskBefore) {
  Ending ending{kBegan, 30s, 5s};
  ending.ask(kBegan + 1s);
  EXPECT_EQ(ending.due(kBegan + 1s), SIGTERM);
  EXPECT_TRUE(ending.was_asked());
  ending.ask(kBegan + 5s);
  EXPECT_EQ(ending.due(kBegan + 5s), 0) << "to ask again changes nothing";
  EXPECT_EQ(ending.due(kBegan + 6s), SIGKILL);
  EXPECT_EQ(ending.due(kBegan + 30s), 0);
  EXPECT_FALSE(ending.timed_out());
}

TEST(Ending, WhatHasTimedOutWasNotAsked) {
  Ending ending{kBegan, 30s, 5s};
  EXPECT_EQ(ending.due(kBegan + 30s), SIGTERM);
  ending.ask(kBegan + 31s);
  EXPECT_TRUE(ending.timed_out());
  EXPECT_FALSE(ending.was_asked());
  EXPECT_EQ(ending.next(), kBegan + 35s);
}

}  // namespace
}  // namespace pena::process
