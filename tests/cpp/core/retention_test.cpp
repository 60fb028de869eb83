#include "core/retention.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

#include "core/rates.hpp"

namespace pena::core {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t kLargest = 256;

Instant at(Duration time) {
  return from_us(1'700'000'000'000'000) + time;
}

// A bucket beside it: what has ended, by order.
class Bucket {
 public:
  explicit Bucket(const Keep& keep, std::uint64_t kept = 0) : retention_(keep, kLargest, kept) {}

  void add(Instant ended_at) {
    ended_.push_back(ended_at);
    retention_.added(ended_at);
  }
  // One page, as far as one is wanted; how many went.
  std::size_t sweep(Instant clock, bool room = false) {
    const std::size_t limit = retention_.wants(clock, room);
    if (limit == 0) return 0;
    std::vector<Retention::Ended> page;
    for (std::size_t order = retention_.after() + 1; page.size() < limit && order <= ended_.size();
         ++order) {
      page.push_back({order, ended_.at(order - 1)});
    }
    const std::size_t went = retention_.take(page, clock, room);
    retention_.dropped(went);
    return went;
  }
  std::size_t sweep_all(Instant clock, bool room = false) {
    std::size_t all = 0;
    for (int pages = 0; retention_.wants(clock, room) > 0; ++pages) {
      all += sweep(clock, room);
      if (pages > 1000) return SIZE_MAX;  // it would go on for ever
    }
    return all;
  }
  [[nodiscard]] Retention& retention() { return retention_; }

 private:
  Retention retention_;
  std::vector<Instant> ended_;
};

TEST(Retention, KeepsAllForEverWhereNothingIsSaid) {
  Bucket bucket{{}};
  for (int i = 0; i < 1000; ++i) bucket.add(at(seconds{i}));
  EXPECT_EQ(bucket.sweep_all(at(minutes{1'000'000})), 0U);
  EXPECT_EQ(bucket.retention().next(false), std::nullopt);
}

TEST(Retention, ForgetsByNumberWhatIsMore) {
  Bucket bucket{{.msgs = 10}};
  for (int i = 0; i < 10; ++i) bucket.add(at(seconds{i}));
  EXPECT_EQ(bucket.sweep_all(at(seconds{10})), 0U);
  for (int i = 10; i < 1000; ++i) bucket.add(at(seconds{i}));
  EXPECT_EQ(bucket.sweep(at(seconds{1000})), kLargest);  // a bounded step
  EXPECT_EQ(bucket.sweep_all(at(seconds{1000})), 990 - kLargest);
  EXPECT_EQ(bucket.retention().kept(), 10U);
}

TEST(Retention, MayKeepNone) {
  Bucket bucket{{.msgs = 0}};
  bucket.add(at(seconds{0}));
  EXPECT_EQ(bucket.sweep_all(at(seconds{0})), 1U);
}

TEST(Retention, ForgetsByAgeAndSaysWhen) {
  Bucket bucket{{.time = minutes{1}}};
  for (int i = 0; i < 1000; ++i) bucket.add(at(seconds{i}));
  EXPECT_EQ(bucket.retention().next(false), at(minutes{1}));
  EXPECT_EQ(bucket.sweep_all(at(minutes{1}) - milliseconds{1}), 0U);
  EXPECT_EQ(bucket.sweep_all(at(minutes{1})), 1U);
  EXPECT_EQ(bucket.retention().next(false), at(minutes{1} + seconds{1}));
  EXPECT_EQ(bucket.sweep_all(at(minutes{1} + seconds{499})), 499U);
  EXPECT_EQ(bucket.sweep_all(at(minutes{100})), 500U);
  EXPECT_EQ(bucket.retention().next(false), std::nullopt);
  bucket.add(at(minutes{100}));
  EXPECT_EQ(bucket.retention().next(false), at(minutes{101}));
}

TEST(Retention, LooksAtWhatAStoreHas) {
  Bucket bucket{{.time = minutes{1}}, 1};
  EXPECT_GT(bucket.retention().wants(at(seconds{0}), false), 0U);
  EXPECT_LE(bucket.retention().next(false), at(seconds{0}));
}

// What is settled and on its way to the store is not found yet: it is not asked for again and again.
TEST(Retention, RestsWhereNothingIsFound) {
  Bucket bucket{{.msgs = 0}, 5};
  EXPECT_EQ(bucket.sweep(at(seconds{0})), 0U);
  EXPECT_EQ(bucket.retention().wants(at(seconds{0}), false), 0U);
  EXPECT_EQ(bucket.retention().next(false), at(seconds{1}));
  EXPECT_GT(bucket.retention().wants(at(seconds{1}), false), 0U);
}

TEST(Retention, MakesRoomByASmallPartOfTheOldest) {
  Bucket bucket{{}};
  for (int i = 0; i < 10'000; ++i) bucket.add(at(seconds{i}));
  EXPECT_EQ(bucket.sweep(at(seconds{0}), true), 10'000U / 64);
  EXPECT_EQ(bucket.sweep(at(seconds{0}), true), (10'000U - 10'000 / 64) / 64);
  EXPECT_EQ(bucket.retention().after(), 309U);
  EXPECT_EQ(bucket.sweep_all(at(seconds{0}), true), 10'000U - 309);
  EXPECT_EQ(bucket.retention().kept(), 0U);
}

TEST(Retention, TheClockMayBeSetBack) {
  Bucket bucket{{.time = minutes{1}}};
  for (int i = 0; i < 200; ++i) bucket.add(at(minutes{1'000'000}));
  for (int i = 0; i < 500; ++i) bucket.add(at(seconds{i}));
  // Those of the future are older than those behind them.
  (void)bucket.sweep_all(at(minutes{1}));
  std::size_t went = 0;
  for (int i = 0; i < 10; ++i) went += bucket.sweep_all(at(minutes{2 + i}));
  EXPECT_EQ(bucket.retention().kept(), 0U);
  EXPECT_GT(went, 0U);
}

TEST(Retention, DatesThatAreAheadWaitForThoseBehindThem) {
  Bucket bucket{{.time = minutes{1}}};
  for (int i = 0; i < 200; ++i) bucket.add(at(minutes{1'000'000}));
  EXPECT_EQ(bucket.sweep_all(at(seconds{0})), 0U);
  EXPECT_EQ(bucket.sweep_all(at(minutes{5})), 0U);
  EXPECT_EQ(bucket.retention().kept(), 200U);
}

Counts of(std::uint64_t reported) {
  Counts counts;
  counts.reported = reported;
  return counts;
}

TEST(Rates, AreOfTheLastMinute) {
  RateWindow window;
  EXPECT_EQ(window.rates(of(5), at(seconds{0})).over, Duration::zero());
  for (int second = 0; second < 300; ++second) {
    // Ten a second, and from the fourth minute on twice as many.
    const int reported = second < 180 ? second * 10 : 1800 + (second - 180) * 20;
    window.note(of(static_cast<std::uint64_t>(reported)), at(seconds{second}));
  }
  const Rates rates = window.rates(of(1800 + 120 * 20), at(seconds{300}));
  EXPECT_DOUBLE_EQ(rates.reported, 20.0);
  EXPECT_EQ(rates.over, Duration{minutes{1}});
}

TEST(Rates, OfAServerThatStoodStillAreSmall) {
  RateWindow window;
  window.note(of(0), at(seconds{0}));
  window.note(of(1000), at(seconds{1}));
  EXPECT_DOUBLE_EQ(window.rates(of(1000), at(seconds{1001})).reported, 0.0);
}

}  // namespace
}  // namespace pena::core
