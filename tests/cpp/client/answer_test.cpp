// What a server's answer says.
#include "client/answer.hpp"

#include <gtest/gtest.h>

#include "core/retry.hpp"

namespace pena::client {
namespace {

using std::chrono::seconds;

constexpr const char* kDate = "Wed, 28 Feb 2024 23:59:50 GMT";

TEST(RetryAfter, IsANumberOfSeconds) {
  EXPECT_EQ(retry_after("0", ""), seconds{0});
  EXPECT_EQ(retry_after("7", ""), seconds{7});
  EXPECT_EQ(retry_after("7", kDate), seconds{7});
  EXPECT_GT(retry_after("99999999999999999999", ""), core::RetryRules{}.retry_after_most);
}

TEST(RetryAfter, IsADateThatIsCountedFromTheAnswers) {
  EXPECT_EQ(retry_after("Thu, 29 Feb 2024 00:00:05 GMT", kDate), seconds{15});
  EXPECT_EQ(retry_after("Fri, 01 Mar 2024 00:00:00 GMT", kDate), seconds{86'410});
  EXPECT_EQ(retry_after("Wed, 28 Feb 2024 23:59:49 GMT", kDate), seconds{0});
}

TEST(RetryAfter, IsNothingWhereItIsNeither) {
  for (const char* text : {"", "-5", "7.5", "7 s", "soon", "Thu, 30 Feb 2024 00:00:05 GMT",
                           "Thu, 29 Feb 2024 24:00:05 GMT", "Thu, 29 Bef 2024 00:00:05 GMT",
                           "Thu, 29 Feb 2024 00:00:05 CET", "Thu, 9 Feb 2024 00:00:05 GMT"}) {
    EXPECT_EQ(retry_after(text, kDate), std::nullopt) << text;
  }
  EXPECT_EQ(retry_after("Thu, 29 Feb 2024 00:00:05 GMT", ""), std::nullopt);
}

}  // namespace
}  // namespace pena::client
