// How long a request is tried again.
#include "core/patience.hpp"

#include <gtest/gtest.h>

namespace pena::core {
namespace {

using namespace std::chrono_literals;

const Instant kStart = from_us(1'000'000);
// A chance for which the longest wait of each failure is drawn.
constexpr std::uint64_t kMost = UINT64_MAX;

RetryRules rules() {
  RetryRules rules;
  rules.first = 1us;  // so whatever the chance there is no wait but that of Retry-After
  rules.most = 1us;
  return rules;
}

TEST(Patience, GoesOnUntilItIsOver) {
  Patience patience{rules(), 10s};
  EXPECT_EQ(patience.failed(kStart, 4s, 0), 4s);
  EXPECT_EQ(patience.failed(kStart + 4s, 4s, 0), 4s);
  EXPECT_EQ(patience.failed(kStart + 8s, 4s, 0), 2s) << "the last try is made at its end";
  EXPECT_EQ(patience.failed(kStart + 10s, 4s, 0), std::nullopt);
  EXPECT_EQ(patience.failures(), 4U);
}

TEST(Patience, CountsFromTheFirstFailureInARow) {
  Patience patience{rules(), 10s};
  EXPECT_TRUE(patience.failed(kStart, std::nullopt, 0));
  patience.answered();
  EXPECT_EQ(patience.failures(), 0U);
  EXPECT_EQ(patience.failed(kStart + 10s, 4s, 0), 4s);
}

TEST(Patience, OfNoneNothingIsTriedTwice) {
  Patience patience{rules(), Duration::zero()};
  EXPECT_EQ(patience.failed(kStart, std::nullopt, 0), std::nullopt);
}

TEST(Patience, WithoutAnEndGoesOnForEver) {
  Patience patience{RetryRules{}, std::nullopt};
  EXPECT_TRUE(patience.failed(kStart, std::nullopt, kMost));
  EXPECT_TRUE(patience.failed(kStart + 24h * 365, std::nullopt, kMost));
}

}  // namespace
}  // namespace pena::core
