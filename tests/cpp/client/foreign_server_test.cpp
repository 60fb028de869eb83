// The client engine at servers that are not Pena's, or not themselves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <string>

#include "client/client.hpp"
#include "scripted_server.hpp"

namespace pena::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::Call;
using test::Peer;
using test::ScriptedServer;
using testing::HasSubstr;

std::string answer(const std::string& status, const std::string& fields, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\n" + fields + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}
// What a client says above debug, a line each.
class Log {
 public:
  [[nodiscard]] core::LogSink sink() {
    return core::LogSink{[this](core::LogLevel level, std::string_view text) {
      if (level == core::LogLevel::debug) return;
      const std::lock_guard lock(mutex_);
      text_.append(text).append("\n");
      said_.notify_all();
    }};
  }
  [[nodiscard]] std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  // Once that was said, or not within ten seconds.
  [[nodiscard]] std::string text_with(const std::string& words) {
    std::unique_lock lock(mutex_);
    said_.wait_for(lock, seconds{10}, [&] { return text_.find(words) != std::string::npos; });
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable said_;
  std::string text_;
};

ClientSettings settings_for(const ScriptedServer& server, Log& log) {
  ClientSettings settings;
  settings.url = server.url();
  settings.batchsize = 1;
  settings.backoff_first = milliseconds{1};
  settings.backoff_most = milliseconds{20};
  settings.log = log.sink();
  return settings;
}

TEST(ForeignServer, WhatItSaidIsOneLine) {
  Log log;
  ScriptedServer server([](const Call&, const Peer& peer) {
    std::string page = "<html>\x1b[2J\n2026-11-26 info all is well\n";
    for (int line = 0; line < 300; ++line) page += "<br>\n";
    return peer.send(answer("404 No", "Content-Type: text/html\r\n", page)), true;
  });
  Client client(settings_for(server, log));
  const auto end = client.wait(seconds{20});
  ASSERT_TRUE(end);
  EXPECT_EQ(end->reason, EndReason::refused);
  EXPECT_THAT(end->text, HasSubstr("404: <html>\\x1b[2J\\n2026-11-26 info all is well\\n<br>\\n"));
  EXPECT_LT(end->text.size(), 300U);
  const std::string said = log.text();
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1);
  EXPECT_EQ(said.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace pena::client
