// Requests, each tried once, on keep-alive connections.
#include "client/requests.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "client/url.hpp"
#include "msg_server.hpp"
#include "scripted_server.hpp"

namespace pena::client {
namespace {

using test::answered;
using test::Call;
using test::Peer;
using test::ScriptedServer;
using testing::HasSubstr;

// A loop of this thread, and the requests that are made on it.
class Loop {
 public:
  explicit Loop(const std::string& url) : requests_(io_.get_executor(), parse_url(url)) {}
  Requests* operator->() { return &requests_; }
  Requests::Tell keeps() {
    return [this](const Answered& answer) {
      told_.push_back(answer);
    };
  }
  // Until nothing is under way: what was told.
  std::vector<Answered> run() {
    io_.restart();
    io_.run();
    return std::exchange(told_, {});
  }

 private:
  boost::asio::io_context io_{1};
  Requests requests_;
  std::vector<Answered> told_;
};

TEST(Requests, TellWhatTheServerAnswered) {
  ScriptedServer server([](const Call& call, const Peer& peer) {
    peer.send(call.line.starts_with("GET") ? "HTTP/1.1 503 X\r\nPena-At: 1234\r\nRetry-After: 2\r\n"
                                             "Content-Length: 16\r\n\r\n{\"error\":\"full\"}"
                                           : answered(200, call.body));
    return true;
  });
  Loop loop(server.url());
  loop->send(1, {"/stats"}, loop.keeps());
  loop->send(2, {"/report", "[1]"}, loop.keeps());
  const auto told = loop.run();
  ASSERT_EQ(told.size(), 2U);
  const auto& [refused, taken] =
      told[0].status == 503 ? std::tie(told[0], told[1]) : std::tie(told[1], told[0]);
  EXPECT_EQ(refused.status, 503U);
  EXPECT_EQ(refused.at_ms, 1234);
  EXPECT_EQ(refused.retry_after, std::chrono::seconds{2});
  EXPECT_EQ(refused.why, "503: full");
  EXPECT_EQ(taken.status, 200U);
  EXPECT_EQ(taken.at_ms, std::nullopt);
  EXPECT_EQ(taken.body, "[1]");
  EXPECT_GE(taken.sent_at, core::Instant{});
}

TEST(Requests, UseAConnectionAgainUntilTheServerClosesIt) {
  std::atomic<int> connections = 0;
  std::atomic<int> calls = 0;
  ScriptedServer server([&](const Call&, const Peer& peer) {
    thread_local int calls_here = 0;  // each connection has a thread
    if (calls_here++ == 0) ++connections;
    const bool closes = ++calls == 2;
    peer.send(closes ? "HTTP/1.1 200 X\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
                     : answered(200, "{}"));
    return !closes;
  });
  Loop loop(server.url());
  for (int i = 1; i <= 3; ++i) {
    loop->send(1, {"/stats"}, loop.keeps());
    const auto told = loop.run();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].status, 200U) << i;
    EXPECT_EQ(connections, i < 3 ? 1 : 2);
  }
}

TEST(Requests, ThatAreAbandonedAreToldWithoutAnAnswer) {
  ScriptedServer server([](const Call& call, const Peer& peer) {
    if (call.line.starts_with("GET /slow")) {
      peer.wait_for_close();
      return false;
    }
    peer.send(answered(200, "{}"));
    return true;
  });
  Loop loop(server.url());
  loop->send(1, {"/slow"}, loop.keeps());
  loop->send(2, {"/quick"}, [&](const Answered& answer) {
    EXPECT_EQ(answer.status, 200U);
    loop->abandon(1);
  });
  const auto told = loop.run();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].status, 0U);
  EXPECT_FALSE(told[0].why.empty());
}

TEST(Requests, TellThatNobodyListens) {
  std::string url;
  {
    const ScriptedServer gone([](const Call&, const Peer&) { return false; });
    url = gone.url();
  }
  Loop loop(url);
  loop->send(1, {"/stats"}, loop.keeps());
  const auto told = loop.run();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].status, 0U);
  EXPECT_EQ(told[0].sent_at, core::Instant{}) << "nothing was sent";
  EXPECT_EQ(told[0].why, "Connection refused");
}

}  // namespace
}  // namespace pena::client
