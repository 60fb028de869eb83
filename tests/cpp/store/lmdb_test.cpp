// What is LMDB's alone: files, locks, other processes.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "sample.hpp"
#include "store/lmdb_store.hpp"
#include "support/temp_folder.hpp"

namespace pena::store {
namespace {

using pena::test::TempFolder;
using test::id_of;
using test::queued;
using testing::HasSubstr;

constexpr std::size_t kMap = 64U << 20U;

// Runs `work` in a forked child; its exit code.
template <class Work>
int in_a_child(Work work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

template <class Work>
std::string error_of(Work work) {
  try {
    work();
  } catch (const StoreError& error) {
    return error.what();
  }
  return "no error";
}

TEST(LmdbStore, FindsEverythingAgain) {
  const TempFolder folder;
  open_lmdb_store(folder / "a/b", kMap)->commit({core::PutQueue{queued(1)}});
  const auto again = open_lmdb_store(folder / "a/b", kMap);
  EXPECT_EQ(again->queue({}, 9).records.at(0), queued(1));
  EXPECT_EQ(again->meta("boots"), 2U);
}

TEST(LmdbStore, WhatAKilledProcessCommittedIsThere) {
  const TempFolder folder;
  EXPECT_EQ(in_a_child([&] {
              const auto store = open_lmdb_store(folder.path(), kMap);
              store->commit({core::PutQueue{queued(1)}});
              ::_exit(7);  // nothing is closed
              return 0;
            }),
            7);
  EXPECT_EQ(open_lmdb_store(folder.path(), kMap)->counts().queue, 1U);
}

TEST(LmdbStore, ASecondServerIsRefusedInThisProcess) {
  const TempFolder folder;
  const auto store = open_lmdb_store(folder.path(), kMap);
  EXPECT_THROW((void)open_lmdb_store(folder.path(), kMap), StoreInUse);
  EXPECT_EQ(error_of([&] { (void)open_lmdb_store(folder.path() + "/.", kMap); }),
            "the store " + folder.path() + "/. is in use by another server (process " +
                std::to_string(::getpid()) + ")");
}

TEST(LmdbStore, ASecondServerIsRefusedInAnotherProcess) {
  const TempFolder folder;
  const auto store = open_lmdb_store(folder.path(), kMap);
  EXPECT_EQ(in_a_child([&] {
              try {
                (void)open_lmdb_store(folder.path(), kMap);
              } catch (const StoreInUse&) {
                return 3;
              }
              return 0;
            }),
            3);
}

TEST(LmdbStore, IsOfNoUseInAForkedChild) {
  const TempFolder folder;
  const auto store = open_lmdb_store(folder.path(), kMap);
  EXPECT_EQ(in_a_child([&] {
              const std::string error = error_of([&] { (void)store->counts(); });
              return error.find("forked") != std::string::npos ? 3 : 0;
            }),
            3);
}

TEST(LmdbStore, AFullMapIsAnErrorThatSaysWhatToDoAndLosesNothing) {
  const TempFolder folder;
  const auto store = open_lmdb_store(folder.path(), 1U << 20U);
  store->commit({core::PutQueue{queued(1)}});
  const std::string payload(256 * 1024, 'x');
  const std::string error = error_of([&] {
    for (std::uint16_t number = 2; number < 100; ++number) {
      store->commit({core::PutQueue{queued(number, payload)}});
    }
  });
  EXPECT_THAT(error, HasSubstr("start the server with a larger map size"));
  EXPECT_EQ(store->queue({}, 1).records.at(0), queued(1));
}

TEST(LmdbStore, KnowsHowFullItIsAndThatFreedPagesAreFree) {
  const TempFolder folder;
  const auto store = open_lmdb_store(folder.path(), 16U << 20U);
  EXPECT_LT(store->fill(), 0.05);
  const std::string payload(1U << 20U, 'x');
  for (std::uint16_t number = 1; number <= 12; ++number) {
    store->commit({core::PutQueue{queued(number, payload)}});
  }
  // After so large changes it has looked by itself.
  EXPECT_GT(store->fill(), 0.7);
  for (std::uint16_t number = 1; number <= 12; ++number) {
    store->commit({core::DropQueue{id_of(number)}});
  }
  // After small ones it looks once in a number of commits.
  for (std::uint64_t i = 0; i < 70; ++i) store->commit({core::PutMeta{"x", i}});
  EXPECT_LT(store->fill(), 0.2);
}

TEST(LmdbStore, AFolderThatCannotBeMadeIsAnError) {
  const TempFolder folder;
  std::ofstream(folder / "file") << "x";
  EXPECT_THAT(error_of([&] { (void)open_lmdb_store(folder / "file/store", kMap); }),
              HasSubstr("cannot create the store"));
}

TEST(LmdbStore, AFileThatIsNoStoreIsAnError) {
  const TempFolder folder;
  std::ofstream(folder / "data.mdb") << std::string(10'000, 'x');
  EXPECT_THAT(error_of([&] { (void)open_lmdb_store(folder.path(), kMap); }),
              HasSubstr("not a store of Pena"));
}

TEST(LmdbStore, ANewerSchemaIsRefused) {
  const TempFolder folder;
  open_lmdb_store(folder.path(), kMap)->commit({core::PutMeta{"schema", 2}});
  for (const std::string& error : {error_of([&] { (void)open_lmdb_store(folder.path(), kMap); }),
                                   error_of([&] { (void)open_lmdb_view(folder.path()); })}) {
    EXPECT_THAT(error, HasSubstr("has schema 2, this program reads 1; use a newer Pena"));
  }
}

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

TEST(LmdbView, MakesNoStore) {
  const TempFolder folder;
  EXPECT_THAT(error_of([&] { (void)open_lmdb_view(folder / "none"); }), HasSubstr("no store at"));
  EXPECT_THAT(error_of([&] { (void)open_lmdb_view(folder.path()); }), HasSubstr("no store at"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace pena::store
