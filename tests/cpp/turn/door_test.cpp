// Who is served, who is told that he is not, and what the log says of it.
#include "turn/door.hpp"

#include <gtest/gtest.h>

namespace pena::turn::test {
namespace {

using Entry = Door::Entry;

constexpr const char* kFull = "there are 2 connections, as many as may be: more are refused";

class DoorTest : public testing::Test {
 protected:
  void expect(std::size_t connections, Entry entry, const std::string& warning = {}) {
    const Door::Knock knock = door_.knock(connections);
    EXPECT_EQ(knock.entry, entry);
    EXPECT_EQ(knock.warning, warning);
  }
  Door door_{2};
};

TEST_F(DoorTest, AsManyAsMayBeAreServedAndSomeMoreAreToldThatTheyAreNot) {
  expect(0, Entry::serve);
  expect(1, Entry::serve);
  expect(2, Entry::refuse, kFull);
  expect(2 + 63, Entry::refuse);
  expect(2 + 64, Entry::drop);
  expect(1'000'000, Entry::drop);
}

TEST_F(DoorTest, ItIsSaidOnceUntilOneIsServedAgain) {
  expect(2, Entry::refuse, kFull);
  expect(3, Entry::refuse);
  expect(1, Entry::serve);
  expect(2, Entry::refuse, kFull);
  expect(70, Entry::drop);
}

TEST_F(DoorTest, SoIsWhatKeepsAllOut) {
  EXPECT_EQ(door_.failed("no descriptors"), "no descriptors");
  EXPECT_EQ(door_.failed("no descriptors"), "");
  expect(2, Entry::refuse);
  expect(1, Entry::serve);
  EXPECT_EQ(door_.failed("no memory"), "no memory");
}

TEST_F(DoorTest, WhoIsRefusedIsToldToComeAgain) {
  EXPECT_EQ(Door::refusal().status, 503U);
  EXPECT_EQ(Door::refusal().sentence,
            "the server has as many connections as it may; try again later");
}

}  // namespace
}  // namespace pena::turn::test
