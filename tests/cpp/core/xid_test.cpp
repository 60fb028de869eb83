// The vectors are those of rs/xid's own tests (id_test.go) and of its ports'.
#include "core/xid.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <thread>
#include <vector>

namespace pena::core {
namespace {

constexpr Xid kKnown{
    Xid::Bytes{0x4d, 0x88, 0xe1, 0x5b, 0x60, 0xf4, 0x86, 0xe4, 0x28, 0x41, 0x2d, 0xc9}};

TEST(Xid, WritesAndReadsTheKnownVectors) {
  EXPECT_EQ(kKnown.text(), "9m4e2mr0ui3e8a215n4g");
  EXPECT_EQ(Xid::parse("9m4e2mr0ui3e8a215n4g"), kKnown);
  const Xid other{
      Xid::Bytes{0x62, 0xff, 0xbd, 0x97, 0x83, 0xd9, 0x13, 0x5c, 0xf8, 0x0c, 0x5f, 0x4c}};
  EXPECT_EQ(Xid::parse("cbvrr5s3r49lpu0cbt60"), other);
  EXPECT_EQ(other.text(), "cbvrr5s3r49lpu0cbt60");
  EXPECT_EQ(Xid{}.text(), "00000000000000000000");
}

TEST(Xid, TellsItsParts) {
  EXPECT_EQ(kKnown.seconds(), 1300816219U);
  EXPECT_EQ(kKnown.machine(), (std::array<std::uint8_t, 3>{0x60, 0xf4, 0x86}));
  EXPECT_EQ(kKnown.process(), 0xe428);
  EXPECT_EQ(kKnown.counter(), 4271561U);
  const Xid second{Xid::Bytes{0, 0, 0, 0, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0, 0, 1}};
  EXPECT_EQ(second.seconds(), 0U);
  EXPECT_EQ(second.process(), 0xddee);
  EXPECT_EQ(second.counter(), 1U);
}

TEST(Xid, RefusesEverythingElse) {
  for (const char* text :
       {"", "9m4e2mr0ui3e8a215n4", "9m4e2mr0ui3e8a215n4gg", "9M4e2mr0ui3e8a215n4g",
        "9m4e2mr0ui3e8a215nwg", "9m4e2mr0ui3e8a215n4z", "9m4e2mr0ui3e8a215n-g",
        "9m4e2mr0ui3e 215n4g0", "9m4e2mr0ui3e8a215n4\xc3"}) {
    EXPECT_EQ(Xid::parse(text), std::nullopt) << text;
  }
}

TEST(Xid, RefusesALastCharacterWithUnusedBits) {
  // Of the last character one bit belongs to the id, so 0 and g are the only ones.
  int taken = 0;
  for (const char last : std::string("0123456789abcdefghijklmnopqrstuv")) {
    const auto id = Xid::parse(std::string("9m4e2mr0ui3e8a215n4") + last);
    EXPECT_EQ(id.has_value(), last == '0' || last == 'g') << last;
    taken += id ? 1 : 0;
  }
  EXPECT_EQ(taken, 2);
}

TEST(Xid, TextSortsAsBytesDoAndComesBackWhole) {
  std::mt19937 dice(1);
  std::uniform_int_distribution<int> byte(0, 255);
  std::vector<Xid> ids;
  for (int i = 0; i < 2000; ++i) {
    Xid::Bytes bytes{};
    for (auto& each : bytes) each = static_cast<std::uint8_t>(byte(dice));
    ids.emplace_back(bytes);
    EXPECT_EQ(Xid::parse(ids.back().text()), ids.back());
  }
  std::sort(ids.begin(), ids.end());
  for (std::size_t i = 1; i < ids.size(); ++i) EXPECT_LE(ids[i - 1].text(), ids[i].text());
}

Instant at(std::uint32_t second, std::uint32_t us = 0) {
  return from_us(std::int64_t{second} * 1'000'000 + us);
}

// Second and counter, as one number.
std::uint64_t number_of(const Xid& id) {
  return (std::uint64_t{id.seconds()} << 24U) | id.counter();
}

TEST(XidFactory, MakesTheLayout) {
  XidFactory factory({0x60, 0xf4, 0x86}, 0xe428);
  const Xid id = factory.next(at(1300816219, 250'000));
  EXPECT_EQ(id.seconds(), 1300816219U);
  EXPECT_EQ(id.machine(), kKnown.machine());
  EXPECT_EQ(id.process(), kKnown.process());
  EXPECT_EQ(id.counter(), 1U << 22U);  // a quarter of a second
}

TEST(XidFactory, IdsAscendOverAFullCounter) {
  XidFactory factory({0, 0, 0}, 0);
  factory.begin_behind(99);
  Xid last = factory.next(at(100, 999'999));
  for (int i = 0; i < 100; ++i) {  // more than a microsecond has
    const Xid next = factory.next(at(100, 999'999));
    ASSERT_GT(next, last);
    ASSERT_EQ(number_of(next), number_of(last) + 1);
    last = next;
  }
  EXPECT_EQ(last.seconds(), 101U);
}

TEST(XidFactory, StepsOverWhatIsLeftOut) {
  const auto id_at = [](std::uint32_t second, std::uint8_t counter, std::uint8_t process = 7) {
    Xid::Bytes bytes{0, 0, 0,      static_cast<std::uint8_t>(second), 1, 2, 3, 0, process,
                     0, 0, counter};
    return Xid{bytes};
  };
  XidFactory factory({1, 2, 3}, 7);
  factory.begin_behind(99);
  factory.leave_out({id_at(100, 5), id_at(100, 1), id_at(100, 2)});
  XidFactory copy = factory;
  // Those of others, and what was made already, is nobody's concern.
  copy.leave_out({id_at(100, 2), id_at(100, 3), id_at(100, 6, 8), id_at(99, 1)});
  std::vector<std::uint32_t> counters;
  for (int i = 0; i < 5; ++i)
    counters.push_back((i % 2 == 0 ? factory : copy).next(at(0)).counter());
  EXPECT_EQ(counters, (std::vector<std::uint32_t>{0, 4, 6, 7, 8}));
  EXPECT_EQ(factory.second(), 100U);
}

TEST(XidFactory, MakesSeveralAsOneByOne) {
  XidFactory together({1, 2, 3}, 7);
  XidFactory one_by_one({1, 2, 3}, 7);
  for (XidFactory* const factory : {&together, &one_by_one}) {
    const Xid::Bytes third{0, 0, 0, 100, 1, 2, 3, 0, 7, 0, 0, 2};
    factory->begin_behind(99);
    factory->leave_out({Xid{third}});
  }
  std::vector<Xid> expected;
  for (int i = 0; i < 5; ++i) expected.push_back(one_by_one.next(at(0)));
  EXPECT_EQ(together.next(at(0), 5), expected);
  EXPECT_TRUE(together.next(at(0), 0).empty());
  EXPECT_EQ(together.next(at(0)), one_by_one.next(at(0)));
}

TEST(XidFactory, IdsAscendWhenTheClockGoesBack) {
  XidFactory factory({0, 0, 0}, 0);
  const Xid before = factory.next(at(7200));
  const Xid after = factory.next(at(5));
  EXPECT_GT(after, before);
  EXPECT_GT(factory.next(at(7200, 1)), after);
  EXPECT_GT(factory.next(from_us(-1)), after);
}

// Otherwise the ids would be at their end, and no server could ever begin behind them.
TEST(XidFactory, AClockPastTheEndOfDatesIsNotBelieved) {
  XidFactory factory({0, 0, 0}, 0);
  const Xid before = factory.next(at(7200));
  const Xid after = factory.next(XidFactory::kEndOfDates);
  EXPECT_EQ(number_of(after), number_of(before) + 1);
  EXPECT_EQ(number_of(factory.next(at(4'294'967'295, 999'999))), number_of(before) + 2);
  EXPECT_EQ(number_of(factory.next(from_us(INT64_MAX))), number_of(before) + 3);
  EXPECT_EQ(factory.next(XidFactory::kEndOfDates - Duration{1}).seconds(), 4'102'444'799U);
}

TEST(XidFactory, BeginsBehindASecond) {
  XidFactory factory({0, 0, 0}, 0);
  factory.begin_behind(500);
  EXPECT_EQ(factory.second(), 500U);
  EXPECT_EQ(factory.next(at(1)).seconds(), 501U);
  factory.begin_behind(500);  // and never goes back
  EXPECT_EQ(factory.next(at(1)).counter(), 1U);
  EXPECT_EQ(factory.next(at(502)).seconds(), 502U);
}

// A process that has just ended, and the next that has its number.
TEST(XidFactory, OneThatBeginsLaterInTheSameSecondRepeatsNothing) {
  XidFactory first({1, 2, 3}, 1);
  Xid last;
  for (int i = 0; i < 1000; ++i) last = first.next(at(50, 100));
  EXPECT_GT(XidFactory({1, 2, 3}, 1).next(at(50, 200)), last);
}

TEST(XidFactory, CopiesInManyThreadsMakeNoIdTwice) {
  constexpr int kThreads = 8;
  constexpr int kEach = 20'000;
  const XidFactory factory({1, 2, 3}, 4);
  std::vector<std::vector<Xid>> made(kThreads);
  std::vector<std::thread> threads;
  for (auto& mine : made) {
    threads.emplace_back([&mine, copy = factory]() mutable {
      for (int i = 0; i < kEach; ++i) mine.push_back(copy.next(at(7, 999'990)));
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<Xid> all;
  for (const auto& mine : made) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    all.insert(mine.begin(), mine.end());
  }
  EXPECT_EQ(all.size(), static_cast<std::size_t>(kThreads * kEach));
}

TEST(XidFactory, KnowsExactlyWhatItMayStillMake) {
  XidFactory factory({1, 2, 3}, 4);
  const Xid made = factory.next(at(100, 500'000));
  EXPECT_FALSE(factory.may_make(made));
  XidFactory twin({1, 2, 3}, 4);
  EXPECT_FALSE(factory.may_make(twin.next(at(100, 499'999))));
  (void)twin.next(at(100, 500'000));
  const Xid next = twin.next(at(100, 500'000));
  EXPECT_TRUE(factory.may_make(next));
  EXPECT_EQ(factory.next(at(100)), next);
  EXPECT_FALSE(factory.may_make(next));
  EXPECT_TRUE(factory.may_make(twin.next(at(101))));
  EXPECT_FALSE(factory.may_make(XidFactory({1, 2, 4}, 4).next(at(101))));
  EXPECT_FALSE(factory.may_make(XidFactory({1, 2, 3}, 5).next(at(101))));
}

TEST(XidHash, SpreadsIdsThatFollowEachOther) {
  XidFactory factory({1, 2, 3}, 4);
  std::array<int, 256> buckets{};
  for (int i = 0; i < 25'600; ++i) {
    ++buckets[std::hash<Xid>{}(factory.next(at(static_cast<std::uint32_t>(i / 100)))) % 256];
  }
  // 100 are expected in each; a hash that keeps to few low bits has empty ones.
  EXPECT_GT(*std::min_element(buckets.begin(), buckets.end()), 40);
}

}  // namespace
}  // namespace pena::core
