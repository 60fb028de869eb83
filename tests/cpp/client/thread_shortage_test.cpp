// A client in a process that has no more threads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <string>

#include "client/client.hpp"
#include "scripted_server.hpp"
#include "support/thread_shortage.hpp"

namespace pena::client {
namespace {

using testing::HasSubstr;

TEST(ThreadShortage, AClientWithoutAThreadIsAnExceptionWithASentence) {
  if (!pena::test::kThreadsCanFail) GTEST_SKIP() << pena::test::kNoFailingThreads;
  ClientSettings settings;
  settings.url = "http://127.0.0.1:1";
  const pena::test::ThreadShortage shortage{0};
  try {
    const Client client(settings);
    FAIL() << "it runs";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("the client's thread cannot start: "));
  }
}

TEST(ThreadShortage, ANameThatCannotBeLookedUpIsLookedUpAgain) {
  if (!pena::test::kThreadsCanFail) GTEST_SKIP() << pena::test::kNoFailingThreads;
  std::mutex mutex;
  std::condition_variable said;
  std::string log;
  test::ScriptedServer server([](const test::Call&, const test::Peer& peer) {
    peer.wait_for_close();
    return false;
  });
  ClientSettings settings;
  settings.url = "http://localhost" + server.url().substr(server.url().rfind(':'));
  settings.backoff_most = settings.backoff_first = std::chrono::milliseconds{1};
  settings.log = core::LogSink{[&](core::LogLevel level, std::string_view text) {
    if (level == core::LogLevel::debug) return;
    const std::lock_guard lock(mutex);
    log += text;
    said.notify_all();
  }};
  std::optional<Client> client;
  {
    const pena::test::ThreadShortage shortage{1};  // its own, and none to look names up
    client.emplace(settings);
    std::unique_lock lock(mutex);
    said.wait_for(lock, std::chrono::seconds{10}, [&] { return !log.empty(); });
    EXPECT_THAT(log, HasSubstr("no thread can be started to look its name up"));
  }
  EXPECT_THAT(server.next("GET").line, HasSubstr("/task"));
  EXPECT_TRUE(client->running());
}

}  // namespace
}  // namespace pena::client
