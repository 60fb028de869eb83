// A view beside the store: of the same process, of another, before and after it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <lmdb.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "lmdb_folder.hpp"
#include "outcomes.hpp"
#include "sample.hpp"
#include "store/check.hpp"
#include "store/lmdb_cursor.hpp"
#include "store/lmdb_env.hpp"
#include "store/lmdb_store.hpp"
#include "support/temp_folder.hpp"

namespace pena::store {
namespace {

using pena::test::TempFolder;
using test::error_of;
using test::id_of;
using test::in_a_child;
using test::kMap;
using test::queued;
using testing::HasSubstr;

TEST(LmdbView, SeesWhatTheServerCommitsBesideIt) {
  const TempFolder folder;
  const auto store = open_lmdb_store(folder.path(), kMap);
  const auto view = open_lmdb_view(folder.path());
  EXPECT_EQ(view->counts().queue, 0U);
  store->commit({core::PutQueue{queued(1)}});
  EXPECT_EQ(view->counts().queue, 1U);
}

TEST(LmdbView, SeesWhatAServerInAnotherProcessCommits) {
  const TempFolder folder;
  (void)open_lmdb_store(folder.path(), kMap);
  const auto view = open_lmdb_view(folder.path());
  EXPECT_EQ(in_a_child([&] {
              open_lmdb_store(folder.path(), kMap)->commit({core::PutQueue{queued(1)}});
              return 0;
            }),
            0);
  EXPECT_EQ(view->counts().queue, 1U);
}

TEST(LmdbView, MayComeBeforeTheServerAndOutliveIt) {
  const TempFolder folder;
  (void)open_lmdb_store(folder.path(), kMap);
  const auto view = open_lmdb_view(folder.path());
  open_lmdb_store(folder.path(), kMap)->commit({core::PutQueue{queued(1)}});
  EXPECT_EQ(view->counts().queue, 1U);
}

TEST(LmdbView, ThatComesFirstDoesNotKeepTheServersMapSmall) {
  const TempFolder folder;
  (void)open_lmdb_store(folder.path(), 1U << 20U);
  const auto view = open_lmdb_view(folder.path());
  const auto store = open_lmdb_store(folder.path(), kMap);
  store->commit({core::PutQueue{queued(1, std::string(8U << 20U, 'x'))}});
  EXPECT_EQ(view->counts().queue, 1U);
}

TEST(LmdbView, FollowsAMapThatAnotherProcessMadeLarger) {
  const TempFolder folder;
  (void)open_lmdb_store(folder.path(), 1U << 20U);
  const auto view = open_lmdb_view(folder.path());
  const std::string payload(8U << 20U, 'x');
  EXPECT_EQ(in_a_child([&] {
              const auto store = open_lmdb_store(folder.path(), kMap);
              store->commit({core::PutQueue{queued(1, payload)}});
              return 0;
            }),
            0);
  EXPECT_EQ(view->queue(0, {}, 1).records.at(0).msg.payload, payload);
}

int open_files_named(const std::string& path) {
  int count = 0;
  for (const auto& file : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code closed_meanwhile;
    if (std::filesystem::read_symlink(file, closed_meanwhile) == path) ++count;
  }
  return count;
}

// LMDB forbids to have an environment open twice, also while the first one is being closed.
TEST(LmdbView, MayBeOpenedAndClosedByManyThreadsWhichShareOneEnvironment) {
  const TempFolder folder;
  open_lmdb_store(folder.path(), kMap)->commit({core::PutQueue{queued(1)}});
  const auto open_and_close = [&] {
    for (int round = 0; round < 200; ++round) {
      const auto view = open_lmdb_view(folder.path());
      EXPECT_EQ(view->counts().queue, 1U);
      EXPECT_EQ(open_files_named(folder / "lock.mdb"), 1);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(open_and_close);
  for (std::thread& thread : threads) thread.join();
}

TEST(LmdbView, MakesNoStore) {
  const TempFolder folder;
  EXPECT_THAT(error_of([&] { (void)open_lmdb_view(folder / "none"); }), HasSubstr("no store at"));
  EXPECT_THAT(error_of([&] { (void)open_lmdb_view(folder.path()); }), HasSubstr("no store at"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace pena::store
