#include "wire/quote.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using pena::wire::quote;

TEST(Quote, ShowsWhatWasSentInTheMarksThatItDoesNotHave) {
  EXPECT_EQ(quote("five"), "\"five\"");
  EXPECT_EQ(quote("\"5\""), "'\"5\"'");
  EXPECT_EQ(quote("it's"), "\"it's\"");
  EXPECT_EQ(quote(""), "\"\"");
}

TEST(Quote, IsShortAndPrintable) {
  EXPECT_EQ(quote(std::string("a\0\x7f\xff\n", 5)), "\"a????\"");
  EXPECT_EQ(quote(std::string(41, 'x')), "\"" + std::string(40, 'x') + "…\"");
}

}  // namespace
