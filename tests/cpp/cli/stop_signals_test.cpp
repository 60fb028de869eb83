#include "cli/stop_signals.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>

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

void raise_twice(std::chrono::milliseconds apart) {
  const StopSignals signals{apart};
  std::raise(SIGTERM);
  std::raise(SIGTERM);
  std::_Exit(signals.arrived() ? 7 : 8);
}

TEST(StopSignalsDeathTest, TheSecondSignalEndsTheProcessAtOnce) {
  EXPECT_EXIT(raise_twice(std::chrono::milliseconds{0}), testing::KilledBySignal(SIGTERM), "");
}

TEST(StopSignalsDeathTest, ASignalThatIsHandedOnTwiceIsOneSignal) {
  EXPECT_EXIT(raise_twice(std::chrono::hours{1}), testing::ExitedWithCode(7), "");
}

}  // namespace
