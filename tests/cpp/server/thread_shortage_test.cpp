// A server in a process that has no more threads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/server.hpp"
#include "support/thread_shortage.hpp"

namespace pena::server {
namespace {

TEST(ThreadShortage, AServerWithoutItsThreadsIsAnExceptionWithASentence) {
  if (!pena::test::kThreadsCanFail) GTEST_SKIP() << pena::test::kNoFailingThreads;
  constexpr int kNeeded = 3;
  ServerSettings settings;
  settings.generator.enabled = false;
  settings.listen = "127.0.0.1:0";
  for (int left = 0; left < kNeeded; ++left) {
    const pena::test::ThreadShortage shortage{left};
    try {
      const Server server(settings);
      FAIL() << "it runs with " << left;
    } catch (const std::runtime_error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("a thread of the server cannot start: "));
    }
  }
  const pena::test::ThreadShortage enough{kNeeded};
  EXPECT_TRUE(Server{settings}.running());
}

}  // namespace
}  // namespace pena::server
