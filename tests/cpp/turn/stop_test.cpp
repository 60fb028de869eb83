// A stop, step by step: what is done, when it is asked again, and what ends it.
#include "turn/stop.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "core/check.hpp"

namespace pena::turn::test {
namespace {

using std::chrono::milliseconds;
using Step = Stop::Step;

class StopTest : public testing::Test {
 protected:
  static constexpr milliseconds kDrain{300};

  // What is to be done, with so many connections open; and in how long to ask again.
  void expect(Step step, core::Duration ask_in, std::size_t connections) {
    const Stop::Next next = stop_.next(now_, connections);
    EXPECT_EQ(next.step, step);
    EXPECT_EQ(next.ask_at - now_, ask_in);
  }
  void begin() {
    ASSERT_TRUE(stop_.begin());
    expect(Step::drain, {}, 5);
  }

  core::Instant now_ = core::from_us(1'000'000'000);
  Stop stop_{kDrain};
};

TEST_F(StopTest, AServerWhomNobodyAsksDrainsAndIsOver) {
  EXPECT_TRUE(stop_.begin());
  expect(Step::drain, {}, 0);
  EXPECT_FALSE(stop_.is_over());
  expect(Step::finish, {}, 0);
  EXPECT_TRUE(stop_.is_over());
  expect(Step::finish, {}, 0);
}

TEST_F(StopTest, WhoWasThereIsWaitedFor) {
  begin();
  for (std::size_t there = 5; there > 0; --there) {
    expect(Step::nothing, milliseconds{5}, there);
    now_ += milliseconds{5};
  }
  expect(Step::finish, {}, 0);
}

TEST_F(StopTest, AfterItsTimeAllAreGivenUpAndHaveALastWord) {
  begin();
  now_ += kDrain - milliseconds{2};
  expect(Step::nothing, milliseconds{2}, 1);  // not past the end
  now_ += milliseconds{2};
  expect(Step::give_up, {}, 1);
  expect(Step::nothing, milliseconds{5}, 1);
  now_ += Stop::kLastWords - milliseconds{1};
  expect(Step::nothing, milliseconds{1}, 1);
  now_ += milliseconds{1};
  expect(Step::finish, {}, 1);  // whether it was heard or not
  EXPECT_TRUE(stop_.is_over());
}

TEST_F(StopTest, LastWordsThatAreSaidAreTheEnd) {
  begin();
  now_ += kDrain;
  expect(Step::give_up, {}, 2);
  expect(Step::nothing, milliseconds{5}, 1);
  expect(Step::finish, {}, 0);
}

// Their time begins when they are said: a process may have slept since.
TEST_F(StopTest, LastWordsHaveAllTheirTimeHoweverLateTheyAre) {
  begin();
  now_ += kDrain * 100;
  expect(Step::give_up, {}, 1);
  expect(Step::nothing, milliseconds{5}, 1);
}

TEST_F(StopTest, WhereTheTurnFailedAllAreGivenUpAtOnce) {
  stop_.fail();
  expect(Step::give_up, {}, 1);
  expect(Step::nothing, milliseconds{5}, 1);
  now_ += Stop::kLastWords;
  expect(Step::finish, {}, 1);
}

TEST_F(StopTest, ATurnThatFailsCutsTheDrainShort) {
  begin();
  stop_.fail();
  expect(Step::give_up, {}, 1);
  stop_.fail();  // once more changes nothing
  expect(Step::nothing, milliseconds{5}, 1);
}

TEST_F(StopTest, ATurnThatFailsBeforeTheDrainLeavesNothingToDrain) {
  EXPECT_TRUE(stop_.begin());
  stop_.fail();
  expect(Step::give_up, {}, 1);
}

TEST_F(StopTest, WhatEndsIsNotBegunAgain) {
  begin();
  EXPECT_FALSE(stop_.begin());
  expect(Step::nothing, milliseconds{5}, 1);
  stop_.fail();
  EXPECT_FALSE(stop_.begin());
  expect(Step::give_up, {}, 1);
  expect(Step::finish, {}, 0);
  EXPECT_FALSE(stop_.begin());
  stop_.fail();
  expect(Step::finish, {}, 1);
}

TEST_F(StopTest, AServerThatRunsHasNoNextStep) {
  const core::ThrowingChecks throwing;
  EXPECT_THROW((void)stop_.next(now_, 0), std::logic_error);
}

}  // namespace
}  // namespace pena::turn::test
