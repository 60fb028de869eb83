// What a peer sent, as it stands in the log.
#include "core/one_line.hpp"

#include <gtest/gtest.h>

#include <string>

namespace pena::core {
namespace {

TEST(OneLine, TextIsLeftAsItIs) {
  EXPECT_EQ(one_line("batchsize is 0; expected \"1\" … Straße"),
            "batchsize is 0; expected \"1\" … Straße");
  EXPECT_EQ(one_line(""), "");
  EXPECT_EQ(one_line(" \r\n"), "");
  EXPECT_EQ(one_line("\nnope \r\n"), "nope");
}

TEST(OneLine, WhatMovesALineIsEscaped) {
  EXPECT_EQ(one_line("no\r\n2026-11-26 info all\tis well"),
            "no\\r\\n2026-11-26 info all\\tis well");
  EXPECT_EQ(one_line("\x1b[31mred\x7f"), "\\x1b[31mred\\x7f");
  EXPECT_EQ(one_line(std::string{"a\0b", 3}), "a\\x00b");
  // One control character of eight bits, a separator of lines, a turn to the left.
  EXPECT_EQ(one_line("\xc2\x9b"
                     "2J"),
            "\\xc2\\x9b2J");
  EXPECT_EQ(one_line("a\u2028b\u202ec"), "a\\xe2\\x80\\xa8b\\xe2\\x80\\xaec");
}

TEST(OneLine, BytesThatAreNoTextAreEscaped) {
  EXPECT_EQ(one_line("\x9b"), "\\x9b");
  EXPECT_EQ(one_line("\xc3"), "\\xc3");                    // half a character
  EXPECT_EQ(one_line("\xc0\x8a"), "\\xc0\\x8a");           // a line's end, in two bytes
  EXPECT_EQ(one_line("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // half of a pair
  EXPECT_EQ(one_line("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
}

TEST(OneLine, WhatIsTooLongIsCutBetweenCharacters) {
  EXPECT_EQ(one_line(std::string(200, 'x')), std::string(200, 'x'));
  EXPECT_EQ(one_line(std::string(201, 'x')), std::string(197, 'x') + "…");
  EXPECT_EQ(one_line("abcd\x1b\x1b", 10), "abcd…");
  EXPECT_EQ(one_line("abcdeßßß", 9), "abcde…");
}

}  // namespace
}  // namespace pena::core
