// Stores whose file was damaged: whatever is done to its bytes, a sentence is told and nobody dies.
#include "store/page_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "lmdb_folder.hpp"
#include "sample.hpp"
#include "store/check.hpp"
#include "store/format.hpp"
#include "store/lmdb_env.hpp"
#include "store/lmdb_store.hpp"
#include "support/temp_folder.hpp"

namespace pena::store {
namespace {

using pena::test::TempFolder;
using test::bytes_of;
using test::failed;
using test::id_of;
using test::kMap;
using test::put_batch;
using test::queued;
using test::reported;
using testing::AnyOf;
using testing::HasSubstr;

constexpr std::size_t kPage = 4096;

void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// Something in every bucket, large values and free pages among it.
void make_store(const std::string& path) {
  const auto store = open_lmdb_store(path, kMap);
  ChangeSet first;
  for (std::uint16_t number = 1; number <= 600; ++number) {
    first.emplace_back(
        core::PutQueue{queued(number, std::string(number % 50 == 0 ? 9000 : 20, '1'))});
  }
  store->commit(first);
  for (std::uint16_t number = 1; number <= 300; number += 10) {
    ChangeSet changes;
    std::vector<core::QueuedMsg> msgs;
    for (std::uint16_t one = number; one < number + 10; ++one) {
      changes.emplace_back(core::DropQueue{id_of(one)});
      msgs.push_back(queued(one));
    }
    changes.emplace_back(put_batch(number, msgs));
    store->commit(changes);
  }
  for (std::uint16_t number = 1; number <= 250; number += 10) {
    ChangeSet changes{core::DropBatch{id_of(number)}};
    for (std::uint16_t one = number; one < number + 10; ++one) {
      if (one % 5 == 0) {
        changes.emplace_back(core::PutFail{failed(one)});
      } else {
        changes.emplace_back(core::PutReport{reported(one)});
      }
    }
    store->commit(changes);
  }
}

// What a child says who looks at the store in every way; `nothing` where it found nothing, and the
// signal where it died.
std::string told_by_a_child(const std::string& path) {
  std::array<int, 2> pipe{};
  if (::pipe(pipe.data()) != 0) return "no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    std::string told;
    try {
      for (const auto& problem : check_lmdb_store(path).problems) {
        told += problem.bucket + " " + problem.id + ": " + problem.what + "\n";
      }
    } catch (const StoreError& error) {
      told += std::string{"check: "} + error.what();
    }
    try {
      const auto view = open_lmdb_view(path);
      (void)view->counts();
      (void)view->queue(0, {}, 9999);
      (void)view->batches();
      (void)view->reports({}, 9999);
      (void)view->fails({}, 9999);
    } catch (const StoreError& error) {
      told += std::string{"view: "} + error.what();
    }
    try {
      const auto store = open_lmdb_store(path, kMap);
      ChangeSet changes;
      for (std::uint16_t number = 1; number < 900; number += 2) {
        if (store->find(id_of(number)) != Bucket::queue) continue;
        changes.emplace_back(core::DropQueue{id_of(number)});
        changes.emplace_back(core::PutReport{reported(number)});
      }
      store->commit(changes);
    } catch (const StoreError& error) {
      told += std::string{"server: "} + error.what();
    }
    if (told.empty()) told = "nothing";
    const ssize_t written =
        ::write(pipe[1], told.data(), std::min<std::size_t>(told.size(), 60'000));
    ::_exit(written > 0 ? 0 : 1);
  }
  ::close(pipe[1]);
  std::string told;
  std::array<char, 4096> some{};
  for (ssize_t got = 0; (got = ::read(pipe[0], some.data(), some.size())) > 0;) {
    told.append(some.data(), static_cast<std::size_t>(got));
  }
  ::close(pipe[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  return told;
}

// How a walk comes to its end where the snapshot is gone after every few pages: in so many slices.
struct Slices {
  int count = 0;
  std::vector<PageProblem> problems;
};
// `snapshot`: the newest one.
Slices walk_in_slices(
    const std::string& file, std::uint64_t pages_at_once,
    const std::function<std::size_t()>& snapshot, const std::function<void()>& meanwhile = [] {}) {
  const PageCheck check(file);
  WalkPlace place;
  place.pages_at_once = pages_at_once;
  Slices slices;
  while (!place.over) {
    const auto problems = check.pages(snapshot(), place, [&] {
      meanwhile();
      return false;
    });
    if (!problems || ++slices.count > 10'000) {
      ADD_FAILURE() << "it does not come to an end";
      break;
    }
    slices.problems.insert(slices.problems.end(), problems->begin(), problems->end());
    if (!slices.problems.empty()) break;
  }
  return slices;
}

class PageCheckTest : public testing::Test {
 protected:
  PageCheckTest() {
    make_store(folder_.path());
    sound_ = bytes_of(file());
    // What LMDB has used of the file, which is longer.
    const auto env = LmdbEnv::open(folder_.path(), 0, false);
    used_pages_ = env->pages().grown;
  }
  [[nodiscard]] std::string file() const { return folder_ / "data.mdb"; }
  void damage(const std::string& bytes) {
    std::filesystem::remove_all(folder_ / "copy");
    std::filesystem::create_directory(folder_ / "copy");
    write(folder_ / "copy/data.mdb", bytes);
  }
  [[nodiscard]] std::string told() const { return told_by_a_child(folder_ / "copy"); }

  TempFolder folder_;
  std::string sound_;
  std::size_t used_pages_ = 0;
};

TEST_F(PageCheckTest, ASoundStoreIsSound) {
  EXPECT_TRUE(check_lmdb_store(folder_.path()).problems.empty());
  damage(sound_);
  EXPECT_EQ(told(), "nothing");
  EXPECT_GT(used_pages_, 40U);
}

// Long reads keep a server from using pages again, so `pena check` lets go of its snapshot.
TEST_F(PageCheckTest, AWalkThatLosesItsSnapshotGoesOnInTheNext) {
  const auto store = open_lmdb_store(folder_.path(), kMap);
  const auto env = LmdbEnv::open(folder_.path(), 0, false);
  const auto newest = [&] {
    return env->last_txn();
  };
  EXPECT_EQ(walk_in_slices(file(), used_pages_, newest).count, 1);
  std::uint16_t number = 300;
  const Slices slices = walk_in_slices(file(), 8, newest, [&] {
    const std::uint16_t one = ++number;
    store->commit({core::DropQueue{id_of(one)}, core::PutReport{reported(one)}});
  });
  EXPECT_TRUE(slices.problems.empty()) << slices.problems.front().what;
  EXPECT_GT(slices.count, static_cast<int>(used_pages_ / 16));
}

TEST_F(PageCheckTest, WhatIsDamagedIsFoundInSlicesAsWell) {
  const std::size_t snapshot = [&] {
    return LmdbEnv::open(folder_.path(), 0, false)->last_txn();
  }();
  std::size_t found = 0;
  for (std::size_t page = 2; page < used_pages_; ++page) {
    std::string bytes = sound_;
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(page * kPage), kPage, '\0');
    damage(bytes);
    const auto problems_with = [&](std::uint64_t pages_at_once) {
      return walk_in_slices(folder_ / "copy/data.mdb", pages_at_once, [&] { return snapshot; })
          .problems;
    };
    const auto whole = problems_with(used_pages_);
    if (whole.empty() || whole[0].what.find("in the bucket") == std::string::npos) continue;
    ++found;
    const auto in_slices = problems_with(8);
    ASSERT_FALSE(in_slices.empty()) << "page " << page;
    EXPECT_EQ(in_slices[0].what, whole[0].what);
  }
  EXPECT_GT(found, 20U);
}

TEST_F(PageCheckTest, AFileThatWasCutOffIsToldWhereverItEnds) {
  for (std::size_t pages = 0; pages < used_pages_; pages += 3) {
    damage(sound_.substr(0, pages * kPage + pages % 2 * 100));
    EXPECT_THAT(told(), AnyOf(HasSubstr("behind the end of the file"),
                              HasSubstr("not a store of Pena"), "nothing"))
        << pages << " pages";
  }
  damage(sound_.substr(0, 10 * kPage));
  EXPECT_THAT(told(), HasSubstr("behind the end of the file"));
}

TEST_F(PageCheckTest, AZeroedPageIsNamed) {
  std::size_t found = 0;
  for (std::size_t page = 0; page < used_pages_; ++page) {
    std::string bytes = sound_;
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(page * kPage), kPage, '\0');
    damage(bytes);
    const std::string said = told();
    EXPECT_THAT(said, testing::Not(HasSubstr("signal"))) << "page " << page;
    if (said == "nothing") continue;
    ++found;
    EXPECT_THAT(said, AnyOf(HasSubstr("page " + std::to_string(page)), HasSubstr("checksum"),
                            HasSubstr("a key of the store")));
  }
  EXPECT_GT(found, used_pages_ / 3);
}

// A commit whose meta page the disk refused leaves its roots in the older one, which the next replaces.
TEST_F(PageCheckTest, OnlyTheNewerMetaPageNeedsItsRoots) {
  constexpr std::size_t kTxnAt = 16 + 24 + 2 * 48 + 8;
  constexpr std::size_t kRootAt = 16 + 24 + 48 + 40;
  const auto number_at = [&](std::size_t at) {
    std::uint64_t number = 0;
    std::memcpy(&number, sound_.data() + at, sizeof number);
    return number;
  };
  const bool second_is_newer = number_at(kTxnAt) < number_at(kPage + kTxnAt);
  for (const bool newer : {false, true}) {
    std::string bytes = sound_;
    const std::size_t page = newer == second_is_newer ? 1 : 0;
    const std::uint64_t beyond = used_pages_ + 7;
    std::memcpy(bytes.data() + page * kPage + kRootAt, &beyond, sizeof beyond);
    damage(bytes);
    if (newer) {
      EXPECT_THAT(told(), HasSubstr("page " + std::to_string(page) + " of the meta pages"));
      EXPECT_THAT(told(), HasSubstr("the root of a tree"));
    } else {
      EXPECT_EQ(told(), "nothing");
    }
  }
}

TEST_F(PageCheckTest, OneThatIsDamagedTellsWhatToDo) {
  std::string bytes = sound_;
  std::fill_n(bytes.begin(), kPage, '\0');
  damage(bytes);
  try {
    (void)open_lmdb_store(folder_ / "copy", kMap);
    FAIL() << "it was opened";
  } catch (const StoreError& error) {
    EXPECT_EQ(error.what(), "the store " + (folder_ / "copy") +
                                " is damaged: page 0 of the meta pages: it is no meta page; `pena "
                                "check " +
                                (folder_ / "copy") +
                                "` names what else is wrong, and a copy from before the damage can "
                                "take its place");
  }
}

// Whatever the bytes are: a sentence, or nothing where they mean nothing.
TEST_F(PageCheckTest, NoDamageEndsTheProcess) {
  std::mt19937 dice{1};
  const auto below = [&](std::size_t most) {
    return std::uniform_int_distribution<std::size_t>{0, most - 1}(dice);
  };
  std::size_t found = 0;
  constexpr int kTimes = 400;
  for (int i = 0; i < kTimes; ++i) {
    std::string bytes = sound_;
    const std::size_t page = below(used_pages_);
    switch (below(4)) {
      case 0:  // where the headers and the places of the nodes are
        bytes[page * kPage + below(64)] ^= static_cast<char>(1U << below(8));
        break;
      case 1:
        bytes[page * kPage + below(kPage)] ^= static_cast<char>(1U << below(8));
        break;
      case 2:
        for (int n = 0; n < 16; ++n) bytes[page * kPage + below(kPage)] = static_cast<char>(dice());
        break;
      default: {
        const std::size_t other = below(used_pages_);
        bytes.replace(page * kPage, kPage, sound_, other * kPage, kPage);
      }
    }
    damage(bytes);
    const std::string said = told();
    ASSERT_THAT(said, testing::Not(HasSubstr("signal"))) << "damage " << i << " of page " << page;
    if (said != "nothing") ++found;
  }
  EXPECT_GT(found, kTimes / 3U);
}

// Of the main database: a bucket whose entry says that it is none, and a tail that says that it is one.
TEST(PageCheck, AnEntryOfTheWrongKindIsNamed) {
  const TempFolder folder;
  make_store(folder.path());
  const std::string sound = bytes_of(folder / "data.mdb");
  for (const char* key : {"batch", "reported", kReportedTail}) {
    std::string bytes = sound;
    // Of a node: flags:u16 key_size:u16 key.
    const std::string named = std::string{static_cast<char>(std::strlen(key)), '\0'} + key;
    for (std::size_t at = bytes.find(named); at != std::string::npos;
         at = bytes.find(named, at + 1)) {
      bytes[at - 2] = static_cast<char>(bytes[at - 2] ^ 2);
    }
    write(folder / "data.mdb", bytes);
    EXPECT_THAT(told_by_a_child(folder.path()), HasSubstr("has the flags")) << key;
  }
}

}  // namespace
}  // namespace pena::store
