#include "cli/stop_signals.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace {

using pena::cli::StopSignals;

volatile std::sig_atomic_t outer_signals = 0;

void count_outer(int) {
  outer_signals = outer_signals + 1;
}

TEST(StopSignals, BothSignalsAreNoted) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const StopSignals signals;
    EXPECT_FALSE(signals.arrived());
    std::raise(signal);
    EXPECT_TRUE(signals.arrived());
  }
}

TEST(StopSignals, TheHandlersFromBeforeArePutBack) {
  const auto handler_before = std::signal(SIGINT, count_outer);
  outer_signals = 0;
  {
    const StopSignals signals;
    std::raise(SIGINT);
    EXPECT_EQ(outer_signals, 0);
  }
  std::raise(SIGINT);
  EXPECT_EQ(outer_signals, 1);
  std::signal(SIGINT, handler_before);
}

TEST(StopSignalsDeathTest, TheSecondSignalEndsTheProcessAtOnce) {
  const auto twice = [] {
    const StopSignals signals;
    std::raise(SIGTERM);
    std::raise(SIGTERM);
  };
  EXPECT_EXIT(twice(), testing::KilledBySignal(SIGTERM), "");
}

}  // namespace
