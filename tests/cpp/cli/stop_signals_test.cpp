#include "cli/stop_signals.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>

namespace {

using pena::cli::BrokenPipesFail;
using pena::cli::StopSignals;

volatile std::sig_atomic_t outer_signals = 0;

void count_outer(int) {
  outer_signals = outer_signals + 1;
}

TEST(StopSignals, TheSignalsAreNoted) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
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

TEST(StopSignals, AServerOnlyNotesThatItsTerminalHasEnded) {
  StopSignals signals{StopSignals::HangUp::is_noted};
  EXPECT_FALSE(signals.hung_up());
  std::raise(SIGHUP);
  EXPECT_FALSE(signals.arrived());
  EXPECT_TRUE(signals.hung_up());
  EXPECT_FALSE(signals.hung_up());
}

TEST(StopSignals, NohupIsObeyed) {
  const auto handler_before = std::signal(SIGHUP, SIG_IGN);
  {
    const StopSignals signals;
    std::raise(SIGHUP);
    EXPECT_FALSE(signals.arrived());
  }
  std::signal(SIGHUP, handler_before);
}

TEST(StopSignals, ABrokenPipeFailsAndIsNotInherited) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  close(ends[0]);
  const BrokenPipesFail quiet;
  EXPECT_EQ(write(ends[1], "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
  close(ends[1]);
  // Bit 12 of what a started program ignores is SIGPIPE.
  EXPECT_EQ(std::system("grep -q 'SigIgn:.*[02468ace]...$' /proc/self/status"), 0);
}

TEST(StopSignals, TheSecondIsNotedWhereThatIsWanted) {
  const StopSignals signals{StopSignals::HangUp::stops, std::chrono::milliseconds{0},
                            StopSignals::Second::is_noted};
  std::raise(SIGINT);
  EXPECT_TRUE(signals.arrived());
  EXPECT_FALSE(StopSignals::arrived_again());
  std::raise(SIGTERM);
  EXPECT_TRUE(StopSignals::arrived_again());
}

TEST(StopSignals, OneThatIsHandedOnTwiceIsNotTheSecond) {
  const StopSignals signals{StopSignals::HangUp::stops, std::chrono::hours{1},
                            StopSignals::Second::is_noted};
  std::raise(SIGINT);
  std::raise(SIGINT);
  EXPECT_FALSE(StopSignals::arrived_again());
}

void raise_thrice() {
  const StopSignals signals{StopSignals::HangUp::stops, std::chrono::milliseconds{0},
                            StopSignals::Second::is_noted};
  for (int i = 0; i < 3; ++i) std::raise(SIGTERM);
  std::_Exit(7);
}

TEST(StopSignalsDeathTest, TheThirdEndsTheProcessWhereTheSecondIsNoted) {
  EXPECT_EXIT(raise_thrice(), testing::KilledBySignal(SIGTERM), "");
}

void raise_twice(std::chrono::milliseconds apart) {
  const StopSignals signals{StopSignals::HangUp::stops, apart};
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
