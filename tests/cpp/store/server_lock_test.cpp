// Who has a store, and for whom it is worth waiting.
#include "store/server_lock.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <thread>

#include "store/error.hpp"
#include "support/temp_folder.hpp"

namespace pena::store {
namespace {

TEST(ServerLockTest, AServerIsNotWaitedFor) {
  const pena::test::TempFolder folder;
  EXPECT_FALSE(has_server(folder.path()));
  const ServerLock serves(folder.path(), ServerLock::For::serving);
  EXPECT_TRUE(has_server(folder.path()));
  EXPECT_THROW(ServerLock(folder.path(), ServerLock::For::serving), StoreInUse);
  EXPECT_THROW(ServerLock(folder.path(), ServerLock::For::recovering), StoreInUse);
}

TEST(ServerLockTest, WhoOnlyRecoversIsWaitedFor) {
  const pena::test::TempFolder folder;
  std::unique_ptr<ServerLock> recovers =
      std::make_unique<ServerLock>(folder.path(), ServerLock::For::recovering);
  std::thread ends([&] {
    // Longer than a look at the lock is waited for.
    std::this_thread::sleep_for(std::chrono::milliseconds{100});
    recovers.reset();
  });
  const ServerLock serves(folder.path(), ServerLock::For::serving);
  ends.join();
  EXPECT_THROW(ServerLock(folder.path(), ServerLock::For::serving), StoreInUse)
      << "the mark of who was there before is gone";
}

}  // namespace
}  // namespace pena::store
