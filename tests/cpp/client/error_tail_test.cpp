// The end of what a program says of its error.
#include "client/error_tail.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

namespace pena::client {
namespace {

std::string tail(std::size_t most, std::initializer_list<std::string> pieces) {
  ErrorTail tail{most};
  for (const std::string& piece : pieces) tail.add(piece);
  return tail.text();
}

TEST(ErrorTail, WhatFitsIsKeptWithoutTheSpaceAtItsEnd) {
  EXPECT_EQ(tail(20, {}), "");
  EXPECT_EQ(tail(20, {"no such ", "file\n\n"}), "no such file");
  EXPECT_EQ(tail(4, {"abcd"}), "abcd");
}

TEST(ErrorTail, OfMoreTheEndIsKept) {
  EXPECT_EQ(tail(10, {"0123456789abc"}), "…6789abc");
  EXPECT_EQ(tail(10, {std::string(1000, 'x'), "the end"}), "…the end");
  const std::string text = tail(10, {std::string(1000, 'x'), "\n"});
  EXPECT_EQ(text, "…xxxxxxx");
}

TEST(ErrorTail, IsUtf8WhateverCame) {
  EXPECT_EQ(tail(20, {"a\xFF\x80z"}), "a\xEF\xBF\xBD\xEF\xBF\xBDz");
  EXPECT_EQ(tail(20, {"\xC3"}), "\xEF\xBF\xBD") << "half a character";
  EXPECT_EQ(tail(20, {"\xC3", "\xA4"}), "\xC3\xA4") << "that came in two pieces";
  // Nine umlauts of two bytes: not one is halved.
  std::string umlauts;
  for (int i = 0; i < 9; ++i) umlauts += "\xC3\xA4";
  EXPECT_EQ(tail(10, {umlauts}), "…\xC3\xA4\xC3\xA4\xC3\xA4");
}

TEST(ErrorTail, GigabytesTakeNoMoreRoomThanItsEnd) {
  ErrorTail tail{10};
  const std::string piece(1 << 16, '.');
  for (int i = 0; i < 20'000; ++i) tail.add(piece);
  tail.add("last");
  EXPECT_EQ(tail.text(), "…...last");
}

}  // namespace
}  // namespace pena::client
