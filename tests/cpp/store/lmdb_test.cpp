// What is LMDB's alone: files, locks, other processes.
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
#include "store/format.hpp"
#include "store/lmdb_cursor.hpp"
#include "store/lmdb_env.hpp"
#include "store/lmdb_store.hpp"
#include "support/temp_folder.hpp"

namespace pena::store {
namespace {

using pena::test::TempFolder;
using test::bytes_of;
using test::error_of;
using test::id_of;
using test::in_a_child;
using test::kMap;
using test::queued;
using testing::HasSubstr;

TEST(LmdbStore, FindsEverythingAgain) {
  const TempFolder folder;
  open_lmdb_store(folder / "a/b", kMap)->commit({core::PutQueue{queued(1)}});
  const auto again = open_lmdb_store(folder / "a/b", kMap);
  EXPECT_EQ(again->queue(0, {}, 9).records.at(0), queued(1));
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

TEST(LmdbStore, AKilledServerLeavesNoLockAndAllThatItCommitted) {
  const TempFolder folder;
  std::array<int, 2> ready{};
  ASSERT_EQ(::pipe(ready.data()), 0);
  const pid_t server = ::fork();
  if (server == 0) {
    const auto store = open_lmdb_store(folder.path(), kMap);
    store->commit({core::PutQueue{queued(1)}});
    if (::write(ready[1], "x", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  ::close(ready[1]);
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ::close(ready[0]);
  EXPECT_EQ(error_of([&] { (void)open_lmdb_store(folder.path(), kMap); }),
            "the store " + folder.path() + " is in use by another server (process " +
                std::to_string(server) + ")");
  ::kill(server, SIGKILL);
  ::waitpid(server, nullptr, 0);
  EXPECT_EQ(open_lmdb_store(folder.path(), kMap)->queue(0, {}, 9).records.at(0), queued(1));
}

TEST(LmdbStore, AReaderThatWasKilledKeepsNoPages) {
  const TempFolder folder;
  const auto store = open_lmdb_store(folder.path(), 16U << 20U);
  EXPECT_EQ(in_a_child([&] {
              const auto env = LmdbEnv::open(folder.path(), 0, false);
              const ReadTxn txn(*env);
              ::_exit(7);  // within its transaction
              return 0;
            }),
            7);
  const std::string payload(1U << 20U, 'x');
  for (std::uint16_t number = 1; number <= 60; ++number) {
    store->commit({core::PutQueue{queued(number, payload)}});
    store->commit({core::DropQueue{id_of(number)}});
    ASSERT_LT(store->fill(), 0.9) << "after msg " << number;
  }
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
  const std::string payload(1U << 20U, 'x');
  const std::string error = error_of([&] {
    for (std::uint16_t number = 2; number < 100; ++number) {
      store->commit({core::PutQueue{queued(number, payload)}});
    }
  });
  EXPECT_THAT(error, HasSubstr("start the server with a larger map size"));
  EXPECT_EQ(store->queue(0, {}, 1).records.at(0), queued(1));
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

TEST(LmdbStore, SeesTheRoomThatTheLastCommitMade) {
  const TempFolder folder;
  const auto store = open_lmdb_store(folder.path(), 16U << 20U);
  EXPECT_LT(store->fill(), 0.05);
  store->commit({core::PutQueue{queued(1, std::string(12U << 20U, 'x'))}});
  EXPECT_GT(store->fill(), 0.7);
  // No commit follows the one that makes room: whoever waits for room must learn of it all the
  // same.
  store->commit({core::DropQueue{id_of(1)}});
  EXPECT_LT(store->fill(), 0.2);
}

TEST(LmdbStore, KnowsHowFullItIsAsSoonAsItIsOpened) {
  const TempFolder folder;
  open_lmdb_store(folder.path(), 16U << 20U)
      ->commit({core::PutQueue{queued(1, std::string(12U << 20U, 'x'))}});
  EXPECT_GT(open_lmdb_store(folder.path(), 16U << 20U)->fill(), 0.7);
}

// A long list of free pages is not read after every commit, but then no old number may stay.
TEST(LmdbStore, SeesRoomThatTheLastCommitMadeHoweverLongTheListOfFreePages) {
  const TempFolder folder;
  const auto store = open_lmdb_store(folder.path(), 16U << 20U);
  store->commit({core::PutQueue{queued(1, std::string(10U << 20U, 'x'))}});
  {
    const auto env = LmdbEnv::open(folder.path(), 0, false);
    const ReadTxn keeps_pages_from_being_used_again(*env);
    for (std::uint64_t i = 0; i < 100; ++i) store->commit({core::PutMeta{"x", i}});
  }
  EXPECT_GT(store->fill(), 0.5);
  store->commit({core::DropQueue{id_of(1)}});
  (void)store->fill();
  EXPECT_LT(store->fill(), 0.2);
}

// The msgs go into pages that were free, so the file does not grow: only the list tells.
TEST(LmdbStore, SeesThatLargeChangesUseTheFreePagesHoweverLongTheirList) {
  const TempFolder folder;
  const auto store = open_lmdb_store(folder.path(), 16U << 20U);
  store->commit({core::PutQueue{queued(1, std::string(8U << 20U, 'x'))}});
  {
    const auto env = LmdbEnv::open(folder.path(), 0, false);
    const ReadTxn keeps_pages_from_being_used_again(*env);
    for (std::uint64_t i = 0; i < 200; ++i) store->commit({core::PutMeta{"x", i}});
  }
  store->commit({core::DropQueue{id_of(1)}});
  (void)store->fill();
  const double before = store->fill();
  ChangeSet large;
  for (std::uint16_t number = 2; number < 102; ++number) {
    large.emplace_back(core::PutQueue{queued(number, std::string(50'000, 'x'))});
  }
  store->commit(large);
  EXPECT_GT(store->fill(), before + 0.2);
}

// A sync that makes the file longer costs more than one that does not.
TEST(LmdbStore, TheFileGrowsAheadOfItsUse) {
  const TempFolder folder;
  const auto store = open_lmdb_store(folder.path(), kMap);
  const auto env = LmdbEnv::open(folder.path(), 0, false);
  const std::string file = folder / "data.mdb";
  std::size_t used = 0;
  int grown = 0;
  int used_more = 0;
  for (std::uint16_t number = 1; number <= 400; ++number) {
    const auto bytes = std::filesystem::file_size(file);
    core::QueuedMsg msg = queued(number);
    msg.msg.payload = std::string(1000, '1');
    store->commit({core::PutQueue{msg}});
    if (std::filesystem::file_size(file) > bytes) ++grown;
    const LmdbEnv::Pages pages = env->pages();
    if (pages.grown * pages.bytes > used) ++used_more;
    used = pages.grown * pages.bytes;
  }
  EXPECT_GT(used_more, 50);
  EXPECT_LE(grown, 3);
  EXPECT_GE(std::filesystem::file_size(file), used);
  EXPECT_EQ(store->queue(0, {}, 999).records.size(), 400U);
}

TEST(LmdbStore, LargeCommitsAreNotWrittenTwice) {
  const TempFolder folder;
  const auto store = open_lmdb_store(folder.path(), kMap);
  const auto env = LmdbEnv::open(folder.path(), 0, false);
  for (std::uint16_t number = 1; number <= 20; ++number) {
    core::QueuedMsg msg = queued(number);
    msg.msg.payload = std::string(200'000, '1');
    store->commit({core::PutQueue{msg}});
  }
  const LmdbEnv::Pages pages = env->pages();
  EXPECT_LE(std::filesystem::file_size(folder / "data.mdb"), pages.grown * pages.bytes);
}

TEST(LmdbStore, ARecordThatWasGarbledOnTheDiskIsNamed) {
  const TempFolder folder;
  open_lmdb_store(folder.path(), kMap)->commit({core::PutQueue{queued(1, "\"a needle\"")}});
  std::string bytes = bytes_of(folder / "data.mdb");
  const std::size_t needle = bytes.find("a needle");
  ASSERT_NE(needle, std::string::npos);
  bytes[needle] = 'b';
  std::ofstream(folder / "data.mdb", std::ios::binary) << bytes;
  const auto store = open_lmdb_store(folder.path(), kMap);
  EXPECT_EQ(error_of([&] { (void)store->queue(0, {}, 9); }),
            "the record " + id_of(1).text() +
                " in the bucket queue is corrupt: it does not match its checksum");
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

TEST(LmdbStore, ANewerSchemaIsRefusedAndLeftAsItIs) {
  const TempFolder folder;
  open_lmdb_store(folder.path(), kMap)->commit({core::PutMeta{"schema", kSchema + 1}});
  const std::string before = bytes_of(folder / "data.mdb");
  for (const std::string& error : {error_of([&] { (void)open_lmdb_store(folder.path(), kMap); }),
                                   error_of([&] { (void)open_lmdb_view(folder.path()); })}) {
    EXPECT_THAT(error, HasSubstr("has schema 6, this program reads 1 to 5; use a newer Pena"));
  }
  EXPECT_TRUE(bytes_of(folder / "data.mdb") == before);
}

TEST(LmdbStore, ACountThatIsTooLowIsNotGuessed) {
  const TempFolder folder;
  open_lmdb_store(folder.path(), kMap)
      ->commit({core::PutQueue{queued(1)}, core::PutQueue{queued(2)}});
  {
    const auto env = LmdbEnv::open(folder.path(), 0, true);
    WriteTxn txn(*env);
    std::string value;
    encode(QueueInfo{0, "", false, 1}, value);
    ASSERT_TRUE(KeyCursor(*env, txn.get(), Table::queue_info)
                    .put(key_of_number(core::kDefaultQueue), value, KeyCursor::Put::replace));
    txn.commit();
  }
  EXPECT_THAT(error_of([&] {
                open_lmdb_store(folder.path(), kMap)
                    ->commit({core::DropQueue{id_of(1)}, core::DropQueue{id_of(2)}});
              }),
              HasSubstr("the queue 0 is said to have 1 msg queued, and has more"));
}

// Stores that an earlier build of this schema wrote say it.
TEST(LmdbStore, WhatTheDefaultQueueIsSaidToHaveReportedCountsForNothing) {
  const TempFolder folder;
  open_lmdb_store(folder.path(), kMap)
      ->commit({core::PutReport{test::reported(1)}, core::PutReport{test::reported(2)}});
  {
    const auto env = LmdbEnv::open(folder.path(), 0, true);
    WriteTxn txn(*env);
    std::string value;
    encode(QueueInfo{2, "mail", false, 0, 0, 70}, value);
    for (const core::QueueNumber number : {core::kDefaultQueue, core::kGeneratedQueue}) {
      std::string of_default = value;
      of_default.replace(of_default.size() - 5, 5, std::string(1, '\0'));
      seal(of_default);
      ASSERT_TRUE(KeyCursor(*env, txn.get(), Table::queue_info)
                      .put(key_of_number(number), of_default, KeyCursor::Put::replace));
    }
    txn.commit();
  }
  const auto store = open_lmdb_store(folder.path(), kMap);
  EXPECT_EQ(store->queues(), (std::vector<QueueInfo>{{0, "", false, 0, 0, 2, 0}}));
  store->commit({core::DropReport{id_of(1)}, core::DropReport{id_of(2)}});
  EXPECT_TRUE(store->queues().empty());
}

TEST(LmdbStore, MoreReportsThanThereAreAreNotBelieved) {
  const TempFolder folder;
  open_lmdb_store(folder.path(), kMap)->commit({core::PutReport{test::reported(1)}});
  {
    const auto env = LmdbEnv::open(folder.path(), 0, true);
    WriteTxn txn(*env);
    std::string value;
    encode(QueueInfo{2, "mail", false, 0, 0, 2}, value);
    ASSERT_TRUE(KeyCursor(*env, txn.get(), Table::queue_info)
                    .put(key_of_number(core::QueueNumber{2}), value, KeyCursor::Put::replace));
    txn.commit();
  }
  EXPECT_THAT(error_of([&] { (void)open_lmdb_store(folder.path(), kMap); }),
              HasSubstr("the queue 2 is said to have more msgs reported than there are"));
}

TEST(LmdbStore, QueuesThatHaveNothingAreForgottenAtTheNextStart) {
  const TempFolder folder;
  {
    const auto store = open_lmdb_store(folder.path(), kMap);
    store->commit({core::PutQueueName{2, "idle"}, core::PutQueueName{3, "paused", true},
                   core::PutQueueName{4, "held"}, core::PutQueueName{5, "failed"},
                   core::PutFail{test::failed(1, 0, 5)},
                   test::put_batch(900, {test::queued_in(4, 2)})});
    EXPECT_EQ(store->queues().size(), 5U - 1U);
  }
  const auto store = open_lmdb_store(folder.path(), kMap);
  std::vector<std::string> names;
  for (const QueueInfo& info : store->queues()) names.push_back(info.name);
  EXPECT_EQ(names, (std::vector<std::string>{"paused", "held", "failed"}));
  store->commit({core::PutQueueName{2, "idle"}});  // its name is free again
}

TEST(LmdbStore, IsNotTakenForTheOneWhoseFolderWasDeleted) {
  const TempFolder folder;
  open_lmdb_store(folder / "a", kMap)->commit({core::PutQueue{queued(1)}});
  const auto view = open_lmdb_view(folder / "a");
  std::filesystem::remove_all(folder / "a");
  EXPECT_EQ(open_lmdb_store(folder / "a", kMap)->counts().queue, 0U);
  EXPECT_TRUE(std::filesystem::exists(folder / "a/data.mdb"));
}

TEST(LmdbStore, WritesNothingIntoAFileThatWasDeletedOrReplaced) {
  const TempFolder folder;
  const auto store = open_lmdb_store(folder / "a", kMap);
  store->commit({core::PutQueue{queued(1)}});
  std::filesystem::rename(folder / "a/data.mdb", folder / "a/other");
  const auto commit = [&] {
    store->commit({core::PutQueue{queued(2)}});
  };
  EXPECT_THAT(error_of(commit), HasSubstr("was deleted, moved or replaced while it was in use"));
  std::filesystem::copy_file(folder / "a/other", folder / "a/data.mdb");
  EXPECT_THAT(error_of(commit), HasSubstr("was deleted, moved or replaced while it was in use"));
  std::filesystem::remove(folder / "a/data.mdb");
  std::filesystem::rename(folder / "a/other", folder / "a/data.mdb");
  EXPECT_EQ(error_of(commit), "no error");
}

TEST(LmdbStore, AFileThatIsCutOffWhileItIsInUseIsASentenceAndNoSignal) {
  const TempFolder folder;
  const auto store = open_lmdb_store(folder.path(), kMap);
  store->commit({core::PutQueue{queued(1)}});
  EXPECT_EQ(in_a_child([&] {
              // A store of its own: this one is the parent's.
              const auto own = open_lmdb_store(folder / "own", kMap);
              own->commit({core::PutQueue{queued(1)}});
              std::filesystem::resize_file(folder / "own/data.mdb", 100);
              const std::string read = error_of([&] { (void)own->counts(); });
              const std::string written = error_of([&] { own->commit({core::PutMeta{"x", 1}}); });
              const bool told = read.find("was cut off while") != std::string::npos &&
                                written.find("was cut off while") != std::string::npos;
              ::_exit(told ? 3 : 4);  // LMDB's own end looks into the file once more
              return 0;
            }),
            3);
}

TEST(LmdbStore, LooksAtItsDiskWhereverTheProcessGoes) {
  const TempFolder folder;
  EXPECT_EQ(in_a_child([&] {
              std::filesystem::current_path(folder.path());
              const auto store = open_lmdb_store("relative", kMap);
              std::filesystem::current_path("/proc");  // a file system without room
              store->commit({core::PutQueue{queued(1)}});
              return store->fill() < 0.1 && store->room().pages > 1000 ? 3 : 4;
            }),
            3);
}

TEST(LmdbStore, SaysWhatToDoWhereTheDiskIsFull) {
  EXPECT_THAT(error_of([] { throw_lmdb("cannot commit to the store", ENOSPC); }),
              HasSubstr("free some space on its disk"));
}

// A second server would come in by it.
TEST(LmdbStore, EndsWhereItsLockIsDeleted) {
  const TempFolder folder;
  const auto store = open_lmdb_store(folder.path(), kMap);
  store->commit({core::PutQueue{queued(1)}});
  std::filesystem::remove(folder / "pena.lock");
  EXPECT_THAT(error_of([&] { store->commit({core::PutQueue{queued(2)}}); }),
              HasSubstr("pena.lock of the store was deleted"));
  EXPECT_EQ(store->counts().queue, 1U);
}

}  // namespace
}  // namespace pena::store
