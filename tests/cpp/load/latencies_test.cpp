#include "load/latencies.hpp"

#include <gmock/gmock.h>

namespace pena::load {
namespace {

using namespace std::chrono_literals;

TEST(Latencies, NothingTookNothing) {
  const Spread spread = Latencies{}.spread();
  EXPECT_EQ(spread.samples, 0);
  EXPECT_EQ(spread.p99_ms, 0.0);
}

TEST(Latencies, PercentilesAreWithinABucketOfTheTruth) {
  Latencies latencies;
  for (int us = 1; us <= 100'000; ++us) latencies.add(std::chrono::microseconds{us});
  const Spread spread = latencies.spread();
  EXPECT_EQ(spread.samples, 100'000);
  EXPECT_NEAR(spread.p50_ms, 50.0, 50.0 / 32);
  EXPECT_NEAR(spread.p90_ms, 90.0, 90.0 / 32);
  EXPECT_NEAR(spread.p99_ms, 99.0, 99.0 / 32);
  EXPECT_EQ(spread.max_ms, 100.0);
}

TEST(Latencies, NoPercentileIsAboveTheLongest) {
  Latencies latencies;
  latencies.add(1000us);
  const Spread spread = latencies.spread();
  EXPECT_EQ(spread.p50_ms, 1.0);
  EXPECT_EQ(spread.p99_ms, 1.0);
}

TEST(Latencies, TakesWhatIsNegativeAndWhatIsVeryLong) {
  Latencies latencies;
  latencies.add(-5us);
  latencies.add(std::chrono::hours{24 * 365});
  const Spread spread = latencies.spread();
  EXPECT_EQ(spread.samples, 2);
  EXPECT_GE(spread.max_ms, 24.0 * 365 * 3600 * 1000);
}

}  // namespace
}  // namespace pena::load
