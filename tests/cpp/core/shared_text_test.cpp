#include "core/shared_text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

namespace pena::core {
namespace {

TEST(SharedText, IsWhatItWasMadeOf) {
  const SharedText text{std::string_view("some text\0and more", 18)};
  EXPECT_EQ(text.view(), std::string_view("some text\0and more", 18));
  EXPECT_EQ(text.size(), 18U);
  EXPECT_EQ(text, SharedText{std::string(text.view())});
  EXPECT_FALSE(text == SharedText{"some text"});
}

TEST(SharedText, IsEmptyWhereThereIsNone) {
  EXPECT_TRUE(SharedText{}.empty());
  EXPECT_TRUE(SharedText{""}.empty());
  EXPECT_EQ(SharedText{}, SharedText{std::string{}});
  EXPECT_EQ(SharedText{}.view(), "");
}

TEST(SharedText, SharesItsCharactersWithItsCopies) {
  SharedText text{"one"};
  SharedText copy = text;
  EXPECT_EQ(copy.view().data(), text.view().data());
  text = SharedText{"two"};
  EXPECT_EQ(copy, SharedText{"one"});
  const SharedText moved = std::move(copy);
  EXPECT_EQ(moved, SharedText{"one"});
  copy = text;
  text = {};
  EXPECT_EQ(copy, SharedText{"two"});
  EXPECT_TRUE(text.empty());
}

}  // namespace
}  // namespace pena::core
