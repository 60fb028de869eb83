// What takes too long is cancelled, and whoever set the time hears of it first.
#include "server/watchdog.hpp"

#include <gtest/gtest.h>

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <string>

namespace pena::server::test {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::hours;
using std::chrono::milliseconds;

class WatchdogTest : public testing::Test {
 protected:
  WatchdogTest() {
    Acceptor acceptor{io_, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
    peer_.connect(acceptor.local_endpoint());
    acceptor.accept(socket_);
  }
  // Nothing will come.
  void read() {
    socket_.async_read_some(asio::buffer(bytes_), [this](const auto& error, std::size_t /*read*/) {
      told_ += error == asio::error::operation_aborted ? "cancelled" : "read";
    });
  }
  void run_until_told() {
    const std::size_t before = told_.size();
    for (int i = 0; i < 100 && told_.size() == before; ++i) io_.run_one();
  }

  asio::io_context io_;
  Socket socket_{io_};
  Socket peer_{io_};
  Watchdogs all_{io_};
  Watchdog watchdog_{all_, socket_, [this] {
                       told_ += "bitten ";
                     }};
  std::array<char, 1> bytes_{};
  std::string told_;
};

// A time that is set between the two gives back what was over to nobody.
TEST_F(WatchdogTest, ABiteIsToldBeforeWhatItCancels) {
  read();
  watchdog_.set(milliseconds{1});
  run_until_told();
  EXPECT_EQ(told_, "bitten ");
  EXPECT_TRUE(watchdog_.bit());
  watchdog_.set(hours{1});
  EXPECT_FALSE(watchdog_.bit());
  run_until_told();
  EXPECT_EQ(told_, "bitten cancelled");
}

TEST_F(WatchdogTest, WhatIsClearedHasNotBitten) {
  watchdog_.set(milliseconds{1});
  run_until_told();
  EXPECT_TRUE(watchdog_.bit());
  watchdog_.clear();
  EXPECT_FALSE(watchdog_.bit());
}

TEST_F(WatchdogTest, WhatIsClearedIsLeftAlone) {
  Watchdog other{all_, peer_, [this] {
                   told_ += "other ";
                 }};
  watchdog_.set(milliseconds{1});
  other.set(milliseconds{1});
  watchdog_.clear();
  run_until_told();
  EXPECT_EQ(told_, "other ");
}

}  // namespace
}  // namespace pena::server::test
