#include "core/limits.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <type_traits>
#include <utility>

#include "core/limits_list.hpp"

namespace pena::core {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

std::string problem_of(const std::function<void(Limits&)>& change) {
  Limits limits;
  change(limits);
  return limits.problem().value_or("none");
}

// How many fields an aggregate has: as many as it takes values for.
struct Anything {
  template <class Value>
  operator Value() const;  // NOLINT: stands for any of them
};
template <class Fields, std::size_t... I>
constexpr bool takes(std::index_sequence<I...> /*values*/) {
  return requires {
    Fields{((void)I, Anything{})...};
  };
}
template <class Fields, std::size_t Count = 0>
constexpr std::size_t field_count() {
  if constexpr (takes<Fields>(std::make_index_sequence<Count + 1>{})) {
    return field_count<Fields, Count + 1>();
  } else {
    return Count;
  }
}

// A field that is not in the list is checked by nobody, and nobody can set it.
TEST(LimitsList, HasEveryField) {
  constexpr std::size_t kTiming = 1;
  EXPECT_EQ(all_limits().size(), field_count<Limits>() - kTiming + field_count<Timing>());
  std::set<std::string_view> names;
  std::set<std::string_view> options;
  std::set<const void*> fields;
  Limits limits;
  for (const Limit& limit : all_limits()) {
    EXPECT_TRUE(names.insert(limit.name).second) << limit.name;
    EXPECT_TRUE(limit.option.empty() || options.insert(limit.option).second) << limit.option;
    EXPECT_FALSE(limit.help.empty()) << limit.name;
    with_field(limits, limit, [&](auto& field) {
      EXPECT_TRUE(fields.insert(&field).second) << limit.name << " is another's field";
    });
  }
}

TEST(LimitsList, WhatIsBeyondABoundIsRefusedByItsName) {
  for (const Limit& limit : all_limits()) {
    const auto sentence = [&](auto value) {
      return problem_of([&](Limits& limits) {
        with_field(limits, limit, [&]<class Field>(Field& field) {
          if constexpr (std::is_constructible_v<Field, decltype(value)>) field = Field(value);
        });
      });
    };
    const auto refused = testing::StartsWith(std::string{limit.name} + " must ");
    if (limit.unit == Limit::Unit::time) {
      EXPECT_THAT(sentence(milliseconds{-1}), refused);
      EXPECT_THAT(sentence(std::chrono::hours{8761}), refused);
    } else if (limit.unit == Limit::Unit::share || limit.unit == Limit::Unit::drift) {
      EXPECT_THAT(sentence(-0.1), refused);
      EXPECT_THAT(sentence(1.1), refused);
    } else if (limit.unit == Limit::Unit::keep) {
      EXPECT_THAT(sentence(Keep{.time = std::chrono::hours{8761}}), refused);
      EXPECT_THAT(sentence(Keep{.time = milliseconds{0}}), refused);
      EXPECT_THAT(sentence(Keep{.time = milliseconds{1}, .msgs = 1}), refused);
      EXPECT_EQ(sentence(Keep{.msgs = 0}), problem_of([](Limits&) {}));
    } else {
      if (limit.least > 0) {
        EXPECT_THAT(sentence(limit.least - 1), refused);
      }
      if (limit.most < Limit::kNoMost) {
        EXPECT_THAT(sentence(limit.most + 1), refused);
      }
    }
  }
}

TEST(Limits, TheDefaultsFitTogether) {
  EXPECT_EQ(Limits{}.problem(), std::nullopt);
}

TEST(Limits, TheDropGraceMustOutlastTheSilenceAndTheStop) {
  const auto grace = [](int ms) {
    return problem_of([ms](Limits& limits) { limits.timing.drop_grace = milliseconds{ms}; });
  };
  // S(1+rho) + d + slack = 3003 + 250 + 100
  EXPECT_THAT(grace(3353), HasSubstr("drop_grace"));
  EXPECT_THAT(grace(3353), HasSubstr("silence plus stop_time plus slack (3353 ms"));
  EXPECT_EQ(grace(3354), "none");
}

TEST(Limits, TheLeaseMustLeaveTimeToWork) {
  const auto lease = [](int ms) {
    return problem_of([ms](Limits& limits) { limits.timing.lease = milliseconds{ms}; });
  };
  EXPECT_THAT(lease(350), HasSubstr("lease (350 ms) must be longer than stop_time plus slack"));
  EXPECT_EQ(lease(352), "none");
}

TEST(Limits, AClientStopsBeforeItsLeaseEndsHoweverTheClocksRun) {
  const Timing timing;
  const auto us = [](Duration duration) {
    return static_cast<double>(duration.count());
  };
  const double rho = timing.clock_drift;
  const double stopped =
      us(timing.client_stop()) * (1 + rho) + us(timing.stop_time) + us(timing.slack);
  EXPECT_LT(stopped, us(timing.lease) * (1 - rho));
  EXPECT_GT(stopped, us(timing.lease) * (1 - rho) - 10);  // and not much before
}

TEST(Limits, EveryRefusalNamesItsSetting) {
  EXPECT_THAT(problem_of([](Limits& l) { l.max_resends = -1; }), HasSubstr("max_resends"));
  EXPECT_THAT(problem_of([](Limits& l) { l.timing.lease = {}; }), HasSubstr("lease"));
  EXPECT_THAT(problem_of([](Limits& l) { l.timing.silence = milliseconds{1999}; }),
              HasSubstr("silence (1999 ms) must be at least twice the heartbeat (1000 ms)"));
  EXPECT_THAT(problem_of([](Limits& l) { l.timing.clock_drift = 0.5; }), HasSubstr("clock_drift"));
  EXPECT_THAT(problem_of([](Limits& l) { l.linger = milliseconds{-1}; }), HasSubstr("linger"));
  EXPECT_THAT(problem_of([](Limits& l) { l.batchsize = 0; }), HasSubstr("batchsize"));
  EXPECT_THAT(problem_of([](Limits& l) { l.window_msgs = 19'999; }),
              HasSubstr("window_msgs (19999) must be at least twice batchsize (10000)"));
  EXPECT_EQ(problem_of([](Limits& l) { l.window_msgs = 20'000; }), "none");
  EXPECT_THAT(problem_of([](Limits& l) { l.retry_most = milliseconds{999}; }),
              HasSubstr("retry_first (1000 ms) must be at most retry_most (999 ms)"));
  EXPECT_EQ(problem_of([](Limits& l) { l.retry_most = milliseconds{1000}; }), "none");
  EXPECT_THAT(problem_of([](Limits& l) { l.apply_time = milliseconds{5001}; }),
              HasSubstr("apply_time (5001 ms) must be at most 5000 ms"));
  EXPECT_EQ(problem_of([](Limits& l) { l.apply_time = milliseconds{5000}; }), "none");
  EXPECT_EQ(problem_of([](Limits& l) { l.retry_first = l.retry_most = {}; }), "none");
  EXPECT_THAT(problem_of([](Limits& l) { l.store_fill = 1.5; }), HasSubstr("store_fill"));
  EXPECT_THAT(problem_of([](Limits& l) { l.json_depth = 0; }), HasSubstr("json_depth"));
  EXPECT_THAT(problem_of([](Limits& l) { l.error_bytes = 2; }),
              HasSubstr("error_bytes must be from 3 to 65536, not 2"));
}

TEST(Limits, ATimeIsMoreThanNothingAndAtMostAYear) {
  for (const auto limit : {&Limits::header_time, &Limits::body_time, &Limits::idle_time,
                           &Limits::stalled_write_time}) {
    const auto with = [limit](Duration time) {
      return problem_of([&](Limits& limits) { limits.*limit = time; });
    };
    EXPECT_THAT(with(Duration{0}), HasSubstr("_time must be longer than 0, not 0 ms"));
    EXPECT_THAT(with(milliseconds{-1}), HasSubstr("_time must be longer than 0, not -1 ms"));
    EXPECT_THAT(with(std::chrono::hours{8761}), HasSubstr("_time must be at most a year"));
    EXPECT_EQ(with(milliseconds{1}), "none");
  }
  EXPECT_THAT(problem_of([](Limits& l) { l.linger = std::chrono::hours{8761}; }),
              HasSubstr("linger must be at most a year"));
}

}  // namespace
}  // namespace pena::core
