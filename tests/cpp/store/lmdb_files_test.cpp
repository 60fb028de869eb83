// What others do to the files of a store that is open, or is to be opened.
#include "store/lmdb_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <lmdb.h>
#include <sys/stat.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "lmdb_folder.hpp"
#include "outcomes.hpp"
#include "process/mapped_file.hpp"
#include "sample.hpp"
#include "store/check.hpp"
#include "store/format.hpp"
#include "store/lmdb_cursor.hpp"
#include "store/lmdb_env.hpp"
#include "store/lmdb_page_look.hpp"
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

// Commits until one fails: the lock file is looked at now and then.
std::string error_of_commits(Store& store) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  std::string error = "no error";
  while (error == "no error" && std::chrono::steady_clock::now() < until) {
    error = error_of([&] { store.commit({core::PutMeta{"x", 1}}); });
  }
  return error;
}

TEST(LmdbFiles, AServerEndsWhereItsLockFileIsDeletedOrReplaced) {
  const TempFolder folder;
  const std::string lock = folder / "lock.mdb";
  const auto store = open_lmdb_store(folder.path(), kMap);
  std::filesystem::rename(lock, folder / "other");
  EXPECT_THAT(error_of_commits(*store),
              HasSubstr("the file lock.mdb of the store " + folder.path() + " was deleted, moved"));
  std::filesystem::copy_file(folder / "other", lock);
  EXPECT_THAT(error_of_commits(*store), HasSubstr("lock.mdb"));
  std::filesystem::rename(folder / "other", lock);
  EXPECT_EQ(error_of([&] { store->commit({core::PutMeta{"x", 1}}); }), "no error");
}

TEST(LmdbFiles, AServerEndsWhereItsLockFileIsCutOff) {
  const TempFolder folder;
  EXPECT_EQ(in_a_child([&] {
              auto store = open_lmdb_store(folder.path(), kMap);
              std::filesystem::resize_file(folder / "lock.mdb", 20'000);
              const std::string error = error_of_commits(*store);
              std::filesystem::resize_file(folder / "lock.mdb", 0);
              store.reset();  // LMDB would look into it
              return error.find("lock.mdb of the store") != std::string::npos &&
                             error.find("was cut off") != std::string::npos
                         ? 3
                         : 4;
            }),
            3);
}

TEST(LmdbFiles, AReadOfWhatIsCutOffMeanwhileEndsAProgramWithASentence) {
  const TempFolder folder;
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  EXPECT_EQ(in_a_child([&] {
              ::dup2(pipe[1], STDERR_FILENO);
              process::tell_of_bad_maps();
              const auto store = open_lmdb_store(folder.path(), kMap);
              store->commit({core::PutQueue{queued(1, std::string(100'000, 'x'))}});
              const auto env = LmdbEnv::open(folder.path(), 0, false);
              const ReadTxn txn(*env);
              Cursor cursor(*env, txn.get(), Table::queue);
              std::filesystem::resize_file(folder / "data.mdb", 8192);
              (void)cursor.first();
              return 7;
            }),
            1);
  ::close(pipe[1]);
  std::array<char, 4096> told{};
  ASSERT_GT(::read(pipe[0], told.data(), told.size() - 1), 0);
  ::close(pipe[0]);
  EXPECT_EQ(told.data(), "pena: the store " + folder.path() +
                             " is damaged, or was cut off while it was in use; `pena check " +
                             folder.path() + "` names its damaged pages\n");
}

TEST(LmdbFiles, KnowWhereTheMapIs) {
  const TempFolder folder;
  const auto store = open_lmdb_store(folder.path(), kMap);
  const auto env = LmdbEnv::open(folder.path(), 0, false);
  const LmdbFiles::Map map = env->files().map();
  EXPECT_EQ(map.bytes, 2 * kMap);
  const ReadTxn txn(*env);
  MDB_val key = to_val("boots");
  MDB_val value{};
  ASSERT_EQ(mdb_get(txn.get(), env->table(Table::meta), &key, &value), 0);
  const auto at = reinterpret_cast<std::uintptr_t>(value.mv_data);
  EXPECT_GE(at, map.begin);
  EXPECT_LT(at, map.begin + map.bytes);
}

int open_files_in(const std::string& folder) {
  int open = 0;
  for (const auto& one : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    const std::string name = std::filesystem::read_symlink(one.path(), error).string();
    if (name.starts_with(folder)) ++open;
  }
  return open;
}

TEST(LmdbFiles, AForkedChildKeepsNone) {
  const TempFolder folder;
  const auto store = open_lmdb_store(folder.path(), kMap);
  EXPECT_GE(open_files_in(folder.path()), 3);
  EXPECT_EQ(in_a_child([&] { return open_files_in(folder.path()); }), 0);
  store->commit({core::PutQueue{queued(1)}});
}

TEST(LmdbFiles, WhatIsNoFileIsRefusedBeforeItIsOpened) {
  for (const char* name : {"data.mdb", "lock.mdb", "pena.lock"}) {
    const TempFolder folder;
    if (std::string{name} == "lock.mdb") std::ofstream(folder / "data.mdb") << "x";
    ASSERT_EQ(::mkfifo((folder / name).c_str(), 0600), 0);
    const std::string refused = (folder / name) + " is no regular file";
    EXPECT_THAT(error_of([&] { (void)open_lmdb_store(folder.path(), kMap); }), HasSubstr(refused));
    if (std::string{name} == "pena.lock") continue;
    EXPECT_THAT(error_of([&] { (void)open_lmdb_view(folder.path()); }), HasSubstr(refused));
    EXPECT_THAT(error_of([&] { (void)check_lmdb_store(folder.path()); }), HasSubstr(refused));
  }
}

TEST(LmdbFiles, AStartThatFailsLeavesNothing) {
  const TempFolder folder;
  constexpr std::size_t kTooLarge = std::size_t{8'000'000} << 40U;
  const std::string error = error_of([&] { (void)open_lmdb_store(folder / "ns/x", kTooLarge); });
  EXPECT_THAT(error, HasSubstr("cannot open the store " + (folder / "ns/x") + ": "));
  EXPECT_THAT(error, HasSubstr("smaller map size"));
  EXPECT_FALSE(std::filesystem::exists(folder / "ns"));
  std::filesystem::create_directory(folder / "there");
  std::ofstream(folder / "there/other") << "x";
  EXPECT_NE(error_of([&] { (void)open_lmdb_store(folder / "there", kTooLarge); }), "no error");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder / "there"), {}), 1);
}

TEST(LmdbFiles, AStartThatFailsLeavesWhatWasThere) {
  const TempFolder folder;
  open_lmdb_store(folder.path(), kMap)->commit({core::PutMeta{"schema", kSchema + 1}});
  EXPECT_THAT(error_of([&] { (void)open_lmdb_store(folder.path(), kMap); }), HasSubstr("schema 6"));
  for (const char* name : {"data.mdb", "lock.mdb", "pena.lock"}) {
    EXPECT_TRUE(std::filesystem::exists(folder / name)) << name;
  }
}

TEST(LmdbFiles, ASecondServerTakesNothingAway) {
  const TempFolder folder;
  const auto store = open_lmdb_store(folder / "a", kMap);
  EXPECT_THROW((void)open_lmdb_store(folder / "a", kMap), StoreInUse);
  store->commit({core::PutQueue{queued(1)}});
}

TEST(LmdbFiles, DamageIsToldAsDamageAndNotAsAForeignFile) {
  for (const int code :
       {MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_CURSOR_FULL, MDB_NOTFOUND, MDB_BAD_TXN}) {
    const std::string error = error_of([&] { throw_lmdb("cannot read the store", code); });
    EXPECT_THAT(error, HasSubstr("the store is damaged; `pena check` names its damaged pages"));
    EXPECT_THAT(error, testing::Not(HasSubstr("not a store")));
  }
  EXPECT_THAT(error_of([] { throw_lmdb("cannot open", MDB_INVALID); }),
              HasSubstr("this is not a store of Pena"));
}

// As damage makes them, where no page is wrong by itself: the first key of the second leaf.
TEST(LmdbFiles, KeysOutOfOrderAreAStoreError) {
  constexpr std::size_t kPage = 4096;
  const TempFolder folder;
  const auto store = open_lmdb_store(folder.path(), kMap);
  for (const std::uint16_t number :
       std::initializer_list<std::uint16_t>{0x1100, 0x2200, 0x3300, 0x4400, 0x5500, 0x6600}) {
    store->commit({core::PutQueue{queued(number, std::string(1500, 'x'))}});
  }
  const auto text = [](std::uint16_t number) {
    const auto id = id_of(number).bytes();
    return std::string(id.begin(), id.end());
  };
  // Behind LMDB's back: what was looked at when it was opened is believed.
  std::fstream file(folder / "data.mdb", std::ios::in | std::ios::out | std::ios::binary);
  std::string page(kPage, '\0');
  for (std::streamoff at = 0; file.read(page.data(), kPage); at += kPage) {
    constexpr char kLeaf = 2;
    if (page[10] != kLeaf) continue;
    for (std::size_t found = 0; (found = page.find(text(0x3300))) != std::string::npos;) {
      page.replace(found, text(1).size(), text(1));
    }
    file.seekp(at);
    file.write(page.data(), kPage);
    file.seekg(at + static_cast<std::streamoff>(kPage));
  }
  file.close();
  EXPECT_THAT(error_of([&] { store->commit({core::PutQueue{queued(0x2205)}}); }),
              HasSubstr("the record " + id_of(1).text() + " in the bucket queue is out of order"));
}

TEST(PageLook, HasNothingToDoInASmallStore) {
  const TempFolder folder;
  const auto store = open_lmdb_store(folder.path(), kMap);
  EXPECT_FALSE(PageLook(folder.path()).next());
}

}  // namespace
}  // namespace pena::store
