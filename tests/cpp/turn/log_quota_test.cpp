// How many lines a second a stranger can cause, and that the others are counted.
#include "turn/log_quota.hpp"

#include <gtest/gtest.h>

namespace pena::turn::test {
namespace {

constexpr core::Instant at(int ms) {
  return core::Instant{} + std::chrono::milliseconds{ms};
}

TEST(LogQuota, WritesSoManyASecondAndCountsTheOthers) {
  LogQuota quota{3};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(quota.allow(at(5'000 + i)), 0U);
  for (int i = 3; i < 20; ++i) EXPECT_EQ(quota.allow(at(5'000 + i)), std::nullopt);
  EXPECT_EQ(quota.allow(at(5'999)), std::nullopt);
  EXPECT_EQ(quota.allow(at(6'000)), 18U);
  EXPECT_EQ(quota.allow(at(6'000)), 0U);
}

TEST(LogQuota, BeginsItsFirstSecondWithTheFirstLine) {
  LogQuota quota{1};
  EXPECT_EQ(quota.allow(at(0)), 0U);
  EXPECT_EQ(quota.allow(at(999)), std::nullopt);
  EXPECT_EQ(quota.allow(at(1'000)), 1U);
  EXPECT_EQ(quota.allow(at(1'999)), std::nullopt);
}

TEST(LogQuota, SavesNoLinesUp) {
  LogQuota quota{2};
  EXPECT_EQ(quota.allow(at(0)), 0U);
  EXPECT_EQ(quota.allow(at(60'000)), 0U);
  EXPECT_EQ(quota.allow(at(60'001)), 0U);
  EXPECT_EQ(quota.allow(at(60'002)), std::nullopt);
}

}  // namespace
}  // namespace pena::turn::test
