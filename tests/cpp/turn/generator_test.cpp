#include "turn/generator.hpp"

#include <gtest/gtest.h>

#include <array>

namespace pena::turn::test {
namespace {

using core::Duration;
using core::from_us;
using core::Instant;
using core::Msg;
using core::to_us;
using core::XidFactory;
using std::chrono::milliseconds;
using std::chrono::seconds;

XidFactory ids() {
  return XidFactory({1, 2, 3}, 4);
}

TEST(Generator, R1_PeriodsAreUniformFrom1To1000) {
  std::array<int, 1001> seen{};
  constexpr int kDraws = 1'000'000;
  for (int i = 0; i < kDraws; ++i) {
    const std::uint32_t period = Generator::period(7, static_cast<std::uint64_t>(i));
    ASSERT_GE(period, 1U);
    ASSERT_LE(period, 1000U);
    ++seen[period];
  }
  // Each is expected 1,000 times with a deviation of 32; 200 is more than six of those.
  for (std::size_t period = 1; period <= 1000; ++period) EXPECT_NEAR(seen[period], 1000, 200);
}

TEST(Generator, R1_IdsAscend) {
  XidFactory factory = ids();
  Generator generator({}, 0, from_us(0));
  const std::vector<Msg> msgs = generator.make(1000, factory, from_us(0), from_us(0));
  ASSERT_EQ(msgs.size(), 1000U);
  for (std::size_t i = 1; i < msgs.size(); ++i) EXPECT_LT(msgs[i - 1].id, msgs[i].id);
}

TEST(Generator, OneSeedGivesOneSequenceAndAnotherSeedAnother) {
  const auto periods = [](std::uint64_t seed) {
    XidFactory factory = ids();
    Generator generator({.count = {}, .rate = {}, .seed = seed}, 0, from_us(0));
    std::vector<std::uint32_t> drawn;
    for (const Msg& msg : generator.make(50, factory, from_us(0), from_us(0)))
      drawn.push_back(msg.period);
    return drawn;
  };
  EXPECT_EQ(periods(1), periods(1));
  EXPECT_NE(periods(1), periods(2));
}

TEST(Generator, ARestartedOneGoesOnWhereItWas) {
  XidFactory factory = ids();
  const Generator::Settings settings{.count = 10, .rate = {}, .seed = 5};
  Generator whole(settings, 0, from_us(0));
  const std::vector<Msg> all = whole.make(100, factory, from_us(0), from_us(0));
  ASSERT_EQ(all.size(), 10U);
  Generator rest(settings, 6, from_us(0));
  const std::vector<Msg> last = rest.make(100, factory, from_us(0), from_us(0));
  ASSERT_EQ(last.size(), 4U);
  EXPECT_EQ(last[0].period, all[6].period);
  EXPECT_TRUE(rest.ended());
  EXPECT_TRUE(Generator(settings, 11, from_us(0)).ended());
}

TEST(Generator, KeepsToItsRate) {
  XidFactory factory = ids();
  Generator generator({.count = {}, .rate = 10.0, .seed = 1}, 0, from_us(0));
  EXPECT_EQ(generator.make(100, factory, from_us(0), from_us(0)).size(), 0U);
  const auto first_at = generator.next_at();
  ASSERT_TRUE(first_at);
  EXPECT_NEAR(static_cast<double>(to_us(*first_at)), 100'000, 2);
  EXPECT_EQ(generator.make(100, factory, *first_at - Duration{10}, from_us(0)).size(), 0U);
  EXPECT_EQ(generator.make(100, factory, *first_at, from_us(0)).size(), 1U);
  EXPECT_EQ(generator.make(3, factory, from_us(0) + milliseconds{1000}, from_us(0)).size(), 3U);
  EXPECT_EQ(generator.make(100, factory, from_us(0) + milliseconds{1000}, from_us(0)).size(), 6U);
}

// As where nobody was connected: who comes gets no flood.
TEST(Generator, MakesUpForASecondAndNoMore) {
  XidFactory factory = ids();
  Generator generator({.count = {}, .rate = 10.0, .seed = 1}, 0, from_us(0));
  const Instant late = from_us(0) + std::chrono::hours{1};
  EXPECT_EQ(generator.make(1000, factory, late, from_us(0)).size(), 10U);
  EXPECT_EQ(generator.make(1000, factory, late, from_us(0)).size(), 0U);
  EXPECT_EQ(generator.make(1000, factory, late + milliseconds{101}, from_us(0)).size(), 1U);
}

TEST(Generator, OfALowRateTheMsgThatIsDueIsNotForgotten) {
  XidFactory factory = ids();
  Generator generator({.count = {}, .rate = 0.1, .seed = 1}, 0, from_us(0));
  const Instant late = from_us(0) + std::chrono::hours{1};
  EXPECT_EQ(generator.make(1000, factory, late, from_us(0)).size(), 1U);
  EXPECT_EQ(generator.make(1000, factory, late + seconds{9}, from_us(0)).size(), 0U);
  EXPECT_EQ(generator.make(1000, factory, late + milliseconds{10'001}, from_us(0)).size(), 1U);
}

TEST(Generator, EveryTimeThatItNamesBringsAMsg) {
  XidFactory factory = ids();
  for (const double rate : {0.3, 1.0, 3.0, 7.7, 999.0, 123456.7}) {
    Generator generator({.count = 500, .rate = rate, .seed = 1}, 0, from_us(12345));
    Instant now = from_us(12345);
    while (const auto next = generator.next_at()) {
      now = std::max(now, *next);
      ASSERT_GE(generator.make(1, factory, now, from_us(0)).size(), 1U)
          << rate << " at " << to_us(now);
    }
    EXPECT_TRUE(generator.ended());
  }
}

}  // namespace
}  // namespace pena::turn::test
