// What stands between a worker's engine and those who do the work.
#include "client/inbox.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <thread>

namespace pena::client {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kNow{0};

Work work(std::uint64_t run) {
  return {run, {}, "{}"};
}
bool is_ready(Inbox& inbox) {
  pollfd file{inbox.ready_descriptor(), POLLIN, 0};
  return ::poll(&file, 1, 0) == 1;
}

TEST(Inbox, HandsOutWhatCameInItsOrderAndOnce) {
  Inbox inbox;
  inbox.put(work(1));
  inbox.put(work(2));
  EXPECT_EQ(inbox.take(kNow)->run, 1U);
  EXPECT_EQ(inbox.take(kNow)->run, 2U);
  EXPECT_FALSE(inbox.take(kNow));
}

TEST(Inbox, WhatIsCancelledBeforeItWasTakenIsHandedToNobody) {
  Inbox inbox;
  inbox.put(work(1));
  inbox.put(work(2));
  EXPECT_FALSE(inbox.cancel(1, CancelReason::given_back));
  EXPECT_EQ(inbox.take(kNow)->run, 2U);
  EXPECT_FALSE(inbox.take(kNow));
  EXPECT_TRUE(inbox.take_cancelled(kNow).empty());
}

TEST(Inbox, TellsWhatIsCancelledAndKeptAgain) {
  Inbox inbox;
  inbox.put(work(1));
  static_cast<void>(inbox.take(kNow));
  EXPECT_EQ(inbox.cancelled(1), std::nullopt);
  EXPECT_TRUE(inbox.cancel(1, CancelReason::lost));
  EXPECT_EQ(inbox.cancelled(1), CancelReason::lost);
  inbox.keep(1);
  EXPECT_EQ(inbox.cancelled(1), std::nullopt);
  const auto news = inbox.take_cancelled(kNow);
  ASSERT_EQ(news.size(), 2U);
  EXPECT_EQ(news[0].reason, CancelReason::lost);
  EXPECT_EQ(news[1].reason, std::nullopt);
  EXPECT_TRUE(inbox.take_cancelled(kNow).empty());
}

TEST(Inbox, TellsNothingOfARunThatHasEnded) {
  Inbox inbox;
  inbox.put(work(1));
  static_cast<void>(inbox.take(kNow));
  EXPECT_TRUE(inbox.cancel(1, CancelReason::lost));
  inbox.forget(1);
  EXPECT_EQ(inbox.cancelled(1), std::nullopt);
  EXPECT_TRUE(inbox.cancel(1, CancelReason::timed_out));
  EXPECT_TRUE(inbox.take_cancelled(kNow).empty());
}

TEST(Inbox, ShowsWhileThereIsSomethingToTake) {
  Inbox inbox;
  EXPECT_FALSE(is_ready(inbox));
  inbox.put(work(1));
  EXPECT_TRUE(is_ready(inbox));
  static_cast<void>(inbox.take(kNow));
  EXPECT_FALSE(is_ready(inbox));
  EXPECT_TRUE(inbox.cancel(1, CancelReason::lost));
  EXPECT_TRUE(is_ready(inbox));
  inbox.forget(1);
  EXPECT_FALSE(is_ready(inbox));
  inbox.close();
  EXPECT_TRUE(is_ready(inbox));
}

TEST(Inbox, WhoeverWaitsGoesOnWhenItIsClosed) {
  Inbox inbox;
  std::optional<Work> taken = work(1);
  std::thread taker([&] { taken = inbox.take(std::nullopt); });
  std::thread listener([&] { EXPECT_TRUE(inbox.take_cancelled(std::nullopt).empty()); });
  inbox.close();
  taker.join();
  listener.join();
  EXPECT_FALSE(taken);
  inbox.put(work(2));
  EXPECT_FALSE(inbox.take(kNow)) << "it is closed";
}

}  // namespace
}  // namespace pena::client
