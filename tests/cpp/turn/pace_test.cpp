// When a round that only reports wait for is held, and when not.
#include "turn/pace.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace pena::turn::test {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

Pace after_rounds_of(core::Duration took) {
  Pace pace;
  for (int i = 0; i < 100; ++i) pace.durable_after(took);
  return pace;
}

// How many rounds go at once before the next one is held.
int passes(Pace& pace) {
  int count = 0;
  while (!pace.hold()) ++count;
  return count;
}

TEST(Pace, HoldsForAboutAsLongAsARoundTakes) {
  Pace pace = after_rounds_of(microseconds{400});
  const auto held = pace.hold();
  ASSERT_TRUE(held.has_value());
  EXPECT_GE(*held, microseconds{390});
  EXPECT_LE(*held, microseconds{400});
}

TEST(Pace, HoldsNothingBeforeItKnowsWhatARoundTakes) {
  Pace pace;
  EXPECT_EQ(pace.hold(), std::nullopt);
  pace.durable_after(microseconds{400});
  EXPECT_TRUE(pace.hold().has_value());
}

TEST(Pace, OneSlowRoundIsNoMeasure) {
  Pace pace = after_rounds_of(microseconds{400});
  pace.durable_after(milliseconds{2});
  EXPECT_LE(*pace.hold(), microseconds{600});
}

TEST(Pace, NeverHoldsForLongHoweverSlowTheDisk) {
  Pace pace = after_rounds_of(milliseconds{300});
  EXPECT_EQ(pace.hold(), milliseconds{1});
}

TEST(Pace, HoldsAgainAndAgainWhereWorkComes) {
  Pace pace = after_rounds_of(microseconds{400});
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(pace.hold().has_value());
    pace.held(true);
  }
}

// Who submits only when its report is answered would lose a round's time in every turn.
TEST(Pace, HoldsRarelyWhereNothingComes) {
  Pace pace = after_rounds_of(microseconds{400});
  std::vector<int> between;
  for (int i = 0; i < 8; ++i) {
    between.push_back(passes(pace));
    pace.held(false);
  }
  EXPECT_EQ(between, (std::vector<int>{0, 1, 3, 7, 15, 31, 63, 63}));
  (void)passes(pace);
  pace.held(true);
  EXPECT_EQ(passes(pace), 0);
}

}  // namespace
}  // namespace pena::turn::test
