// A server in a process that has no more threads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/server.hpp"
#include "support/temp_folder.hpp"
#include "support/thread_shortage.hpp"

namespace pena::server {
namespace {

TEST(ThreadShortage, AServerWithoutItsThreadsIsAnExceptionWithASentence) {
  if (!pena::test::kThreadsCanFail) GTEST_SKIP() << pena::test::kNoFailingThreads;
  const pena::test::TempFolder folder;
  // With a store on disk one of them is the applier's.
  for (const auto& [store, needed] : {std::pair{std::string{}, 3}, {folder / "store", 4}}) {
    ServerSettings settings;
    settings.generator.enabled = false;
    settings.listen = "127.0.0.1:0";
    settings.store = store;
    for (int left = 0; left < needed; ++left) {
      const pena::test::ThreadShortage shortage{left};
      try {
        const Server server(settings);
        FAIL() << "it runs with " << left;
      } catch (const std::runtime_error& error) {
        EXPECT_THAT(error.what(), testing::HasSubstr("a thread of the server cannot start: "));
      }
    }
    const pena::test::ThreadShortage enough{needed};
    EXPECT_TRUE(Server{settings}.running());
  }
}

}  // namespace
}  // namespace pena::server
