#include "core/number_text.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace pena::core {
namespace {

TEST(NumberText, IsTheShortestThatReadsBackTheSame) {
  EXPECT_EQ(number_text(0.01), "0.01");
  EXPECT_EQ(number_text(0.001), "0.001");
  EXPECT_EQ(number_text(0.0012345678), "0.0012345678");
  EXPECT_EQ(number_text(4354.35), "4354.35");
  EXPECT_EQ(number_text(0.0), "0");
}

TEST(NumberText, HasAsManyDigitsAsAreAskedFor) {
  EXPECT_EQ(fixed_text(1.5, 2), "1.50");
  EXPECT_EQ(fixed_text(1234567.4, 0), "1234567");
  EXPECT_EQ(fixed_text(12.0, 6), "12.000000");
  EXPECT_EQ(fixed_text(std::numeric_limits<double>::max(), 6).size(), 309U + 7U);
}

TEST(DateText, IsRoundedDownBefore1970AsAfterIt) {
  EXPECT_EQ(date_text(from_us(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(date_text(from_us(1'795'461'517'194'999)), "2026-11-23T19:18:37.194Z");
  EXPECT_EQ(date_text(from_us(-1)), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(date_text(from_us(-965'000)), "1969-12-31T23:59:59.035Z");
  EXPECT_EQ(date_text(from_us(-86'400'000'000)), "1969-12-31T00:00:00.000Z");
}

TEST(MsgsText, OneIsNotSeveral) {
  EXPECT_EQ(msgs_text(0), "0 msgs");
  EXPECT_EQ(msgs_text(1), "1 msg");
  EXPECT_EQ(msgs_text(2), "2 msgs");
}

}  // namespace
}  // namespace pena::core
