// A copy of a store has all that was acknowledged, also what was in the log alone, and goes on by itself.
#include "store/backup.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "log_tail.hpp"
#include "outcomes.hpp"
#include "store/check.hpp"
#include "store/error.hpp"

namespace pena::store {
namespace {

using testing::HasSubstr;

class Backup : public test::LogTail {
 protected:
  void expect_all() {
    EXPECT_TRUE(check_lmdb_store(to_).problems.empty());
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator{to_}, {}), 2)
        << "and the lock file";
    const auto store = open_lmdb_store(to_, test::kMap);
    EXPECT_EQ(store->counts(), kAll);
    EXPECT_EQ(store->meta(kLogOpen), 0U);
    store->commit({core::PutQueue{test::queued(9)}});
  }
  std::string to_ = folder_ / "backup/of/today";
};

TEST_F(Backup, HasWhatTheServersLogHas) {
  std::thread applier([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds{100});
    (void)store_->apply();
  });
  const std::uint64_t bytes = back_up(path_, to_);
  applier.join();
  EXPECT_EQ(bytes, std::filesystem::file_size(to_ + "/data.mdb"));
  EXPECT_EQ(open_lmdb_view(path_)->meta(kLogOpen), 3U) << "the server goes on with its log";
  expect_all();
}

TEST_F(Backup, HasWhatACrashLeftInTheLog) {
  (void)back_up(crashed(), to_);
  expect_all();
}

TEST_F(Backup, OfAnOlderStoreIsThatStore) {
  store_->commit({core::PutMeta{"schema", 4}});
  store_.reset();
  std::filesystem::create_directories(to_);
  (void)back_up(path_, to_);
  EXPECT_EQ(open_lmdb_view(to_)->meta("schema"), 4U);
  expect_all();
}

TEST_F(Backup, LeavesWhatIsThereAlone) {
  (void)store_->apply();
  std::filesystem::create_directories(to_);
  std::ofstream(to_ + "/mine") << "!";
  const std::string there =
      "there is something at " + to_ + "; expected a folder that is not there";
  EXPECT_THAT(test::error_of([&] { (void)back_up(path_, to_); }), HasSubstr(there));
  EXPECT_THAT(test::error_of([&] { (void)back_up(path_, to_ + "/mine"); }),
              HasSubstr("there is something at"));
  for (const std::string& within : {path_, path_ + "/log/to", path_ + "/../store/to"}) {
    EXPECT_THAT(test::error_of([&] { (void)back_up(path_, within); }),
                HasSubstr("lies in the store"));
  }
  std::filesystem::create_symlink(folder_ / "nowhere", folder_ / "link");
  EXPECT_THAT(test::error_of([&] { (void)back_up(path_, folder_ / "link"); }),
              HasSubstr("there is something at"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "link"));
  EXPECT_THAT(test::error_of([&] { (void)back_up(folder_ / "none", folder_ / "to"); }),
              HasSubstr("no store at"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "to"));
}

TEST_F(Backup, WhatAKilledOneHasLeftIsNoHindrance) {
  (void)store_->apply();
  std::filesystem::create_directories(to_ + "/unfinished");
  std::ofstream(to_ + "/unfinished/data.mdb") << "part";
  (void)back_up(path_, to_);
  expect_all();
}

TEST_F(Backup, ThatFailsLeavesNothing) {
  const std::string crash = crashed();
  std::filesystem::remove_all(crash + "/log");
  EXPECT_THAT(test::error_of([&] { (void)back_up(crash, to_); }), HasSubstr("is missing"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "backup"));
}

}  // namespace
}  // namespace pena::store
