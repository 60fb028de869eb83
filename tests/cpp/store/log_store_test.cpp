// A log in front of LMDB: whatever is applied when, and wherever it crashes, the store has what was appended.
#include "store/log_store.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <span>

#include "lmdb_folder.hpp"
#include "outcomes.hpp"
#include "random_changes.hpp"
#include "store/check.hpp"
#include "store/error.hpp"
#include "store/lmdb_store.hpp"
#include "store/log_frames.hpp"
#include "store/memory_store.hpp"
#include "support/temp_folder.hpp"

namespace pena::store {
namespace {

using test::id_of;
using test::kMap;
using test::queued;

constexpr std::size_t kSegment = 16 * kLogBlock;

class LogStoreTest : public testing::Test {
 protected:
  static inline std::uint64_t last_id = 4711;
  [[nodiscard]] static std::unique_ptr<LogStore> open(const std::string& path,
                                                      LogShape shape = {3, kSegment},
                                                      std::size_t most_logged = 8000) {
    return std::make_unique<LogStore>(open_lmdb_store(path, kMap), log_files_in(path),
                                      LogStore::Settings{shape, most_logged, ++last_id});
  }
  static void make_all_ready(LogStore& store) {
    for (LogStore::Ready ready{true}; ready.more;) ready = store.make_ready();
  }
  // As the disk is now, for whoever comes after a crash.
  std::string crashed() {
    std::string copy = folder_ / ("crash" + std::to_string(++crashes_));
    std::filesystem::copy(path_, copy, std::filesystem::copy_options::recursive);
    std::filesystem::remove(copy + "/lock.mdb");
    std::filesystem::remove(copy + "/pena.lock");
    return copy;
  }
  static ChangeSet put(std::uint16_t number) { return {core::PutQueue{queued(number)}}; }
  static std::size_t queued_in(const std::string& path) {
    return open(path)->queue(0, {}, SIZE_MAX, SIZE_MAX).records.size();
  }
  // Appends so many msgs to a log that is open, from `first` on; none is applied.
  void log(std::uint16_t first, std::uint16_t count) {
    for (std::uint16_t number = first; number < first + count; ++number)
      store_->commit(put(number));
  }
  void open_with_log() {
    store_ = open(path_);
    store_->commit(put(60'000));
    make_all_ready(*store_);
  }

  pena::test::TempFolder folder_;
  std::string path_ = folder_ / "store";
  std::unique_ptr<LogStore> store_;
  int crashes_ = 0;
};

TEST_F(LogStoreTest, GoesPastTheLogUntilThereIsOne) {
  store_ = open(path_);
  store_->commit(put(1));
  EXPECT_EQ(store_->applied(), 1U);
  EXPECT_FALSE(std::filesystem::exists(path_ + "/log"));
  make_all_ready(*store_);
  store_->commit(put(2));
  EXPECT_EQ(store_->durable(), 2U);
  EXPECT_EQ(store_->applied(), 1U);
  EXPECT_TRUE(store_->apply());
  EXPECT_FALSE(store_->apply());
  EXPECT_EQ(store_->applied(), 1U) << "it moves on in durable() and append()";
  EXPECT_EQ(store_->durable(), 2U);
  EXPECT_EQ(store_->applied(), 2U);
  EXPECT_EQ(store_->queue(0, {}, 10, SIZE_MAX).records.size(), 2U);
}

TEST_F(LogStoreTest, WhatACrashLeavesInTheLogIsAppliedFirst) {
  open_with_log();
  log(1, 5);
  EXPECT_EQ(store_->queue(0, {}, 10, SIZE_MAX).records.size(), 1U) << "none is applied yet";
  const std::string crash = crashed();
  EXPECT_EQ(queued_in(crash), 6U);
  EXPECT_EQ(queued_in(crash), 6U) << "and once only";
}

TEST_F(LogStoreTest, ACleanEndLeavesNothingInTheLog) {
  open_with_log();
  log(1, 5);
  store_.reset();
  std::filesystem::remove_all(path_ + "/log");
  EXPECT_EQ(queued_in(path_), 6U);
}

TEST_F(LogStoreTest, WhatIsTooLargeTakesAllThatWaitsAlong) {
  open_with_log();
  log(1, 3);
  store_->commit({core::PutQueue{queued(9, std::string(9000, 'x'))}});
  EXPECT_EQ(store_->applied(), 5U);
  EXPECT_EQ(store_->queue(0, {}, 10, SIZE_MAX).records.size(), 5U);
  log(4, 2);
  EXPECT_EQ(queued_in(crashed()), 7U);
}

TEST_F(LogStoreTest, WithoutASegmentItGoesPastTheLog) {
  open_with_log();
  log(1, 100);  // three segments have 45 blocks
  EXPECT_GT(store_->applied(), 40U);
  EXPECT_EQ(queued_in(crashed()), 101U);
  make_all_ready(*store_);
  const Ticket applied = store_->applied();
  log(101, 5);
  EXPECT_EQ(store_->applied(), applied);
  EXPECT_EQ(queued_in(crashed()), 106U);
}

TEST_F(LogStoreTest, ATornTailIsTheEnd) {
  open_with_log();
  log(1, 5);
  const std::string whole = test::bytes_of(path_ + "/log/segment.0");
  for (std::size_t sector = 0; sector < kLogBlock; sector += 512) {
    const std::string crash = crashed();
    std::string torn = whole;
    torn.replace(5 * kLogBlock + sector, 512, std::string(512, '\xff'));
    std::ofstream(crash + "/log/segment.0", std::ios::binary) << torn;
    // What lies behind the record in its block is nobody's.
    EXPECT_EQ(queued_in(crash), sector == 0 ? 5U : 6U) << sector;
  }
}

TEST_F(LogStoreTest, AHoleBeforeARecordIsNamed) {
  open_with_log();
  log(1, 5);
  std::string hole = test::bytes_of(path_ + "/log/segment.0");
  hole[2 * kLogBlock + 30] ^= 1;
  const std::string crash = crashed();
  std::ofstream(crash + "/log/segment.0", std::ios::binary) << hole;
  const std::string error = test::error_of([&] { (void)open(crash); });
  EXPECT_NE(error.find("segment.0 has no record at byte 8192, and one behind it, at byte 12288"),
            std::string::npos)
      << error;
}

TEST_F(LogStoreTest, WhatIsMissingOrForeignIsNamed) {
  open_with_log();
  log(1, 40);
  const auto error_with = [&](const auto& change) {
    const std::string crash = crashed();
    change(crash + "/log/");
    return test::error_of([&] { (void)open(crash); });
  };
  EXPECT_NE(error_with([](const std::string& log) {
              std::filesystem::remove_all(log);
            }).find("segment.0 is missing"),
            std::string::npos);
  EXPECT_NE(error_with([](const std::string& log) {
              std::ofstream(log + "segment.1", std::ios::binary) << std::string(kSegment, '\0');
            }).find("segment.1 has no header of a log"),
            std::string::npos);
  EXPECT_NE(error_with([](const std::string& log) {
              std::filesystem::copy_file(log + "segment.0", log + "segment.1",
                                         std::filesystem::copy_options::overwrite_existing);
            }).find("is there twice"),
            std::string::npos);
  EXPECT_NE(error_with([](const std::string& log) {
              std::string header = encode(SegmentHeader{3, 815, 1, kSegment});
              header.resize(kSegment);
              std::ofstream(log + "segment.2", std::ios::binary) << header;
            }).find("segment.2 is of another log"),
            std::string::npos);
  EXPECT_NE(error_with([](const std::string& log) {
              std::filesystem::resize_file(log + "segment.0", kSegment / 2);
            }).find("another length"),
            std::string::npos);
}

TEST_F(LogStoreTest, AnOlderCopyOfTheDataIsNotTakenForTheStore) {
  open_with_log();
  log(1, 10);
  (void)store_->apply();
  const std::string old = crashed();  // nothing is in the log that it lacks
  for (int round = 0; round < 20; ++round) {
    log(static_cast<std::uint16_t>(100 + 20 * round), 20);
    (void)store_->apply();
    make_all_ready(*store_);
  }
  const std::string crash = crashed();
  std::filesystem::copy_file(old + "/data.mdb", crash + "/data.mdb",
                             std::filesystem::copy_options::overwrite_existing);
  const std::string error = test::error_of([&] { (void)open(crash); });
  EXPECT_NE(error.find("where 11 was expected"), std::string::npos) << error;
}

TEST_F(LogStoreTest, DeletedFilesAreSeen) {
  open_with_log();
  std::filesystem::remove_all(path_ + "/log");
  const std::string error = test::error_of([&] { log(1, 1); });
  EXPECT_NE(error.find("was deleted while the store was in use"), std::string::npos) << error;
}

TEST_F(LogStoreTest, AFailureIsTheOwnersToo) {
  open_with_log();
  store_->commit({core::DropQueue{id_of(4)}});  // which is not there
  EXPECT_THROW((void)store_->apply(), StoreError);
  EXPECT_THROW((void)store_->durable(), StoreError);
  EXPECT_THROW(log(1, 1), StoreError);
}

class FullStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  void commit_writes(std::span<const core::Write* const> /*writes*/) override {
    throw NoRoom("no space left");
  }
};

TEST_F(LogStoreTest, WhereADiskIsTooFullToRecoverItIsToldAndTheNextStartDoes) {
  open_with_log();
  log(1, 5);
  const std::string crash = crashed();
  EXPECT_THROW(
      LogStore(std::make_unique<FullStore>(open_lmdb_store(crash, kMap)), log_files_in(crash), {}),
      NoRoomToRecover);
  EXPECT_EQ(queued_in(crash), 6U);
}

class CountingStore final : public ForwardingStore {
 public:
  CountingStore(std::unique_ptr<Store> inside, int& commits)
      : ForwardingStore(std::move(inside)), commits_(commits) {}
  void commit_writes(std::span<const core::Write* const> writes) override {
    ++commits_;
    inside().commit_writes(writes);
  }

 private:
  int& commits_;
};

// In memory they are longer than in the log, and all at once might be too much.
TEST_F(LogStoreTest, ManyWritesOfACrashAreAppliedInParts) {
  store_ = open(path_, {3, std::size_t{2} << 20U}, std::size_t{2} << 20U);
  store_->commit(put(1));
  make_all_ready(*store_);
  for (std::uint64_t set = 1; set <= 3; ++set) {
    ChangeSet many;
    for (int i = 0; i < 60'000; ++i) many.emplace_back(core::PutMeta{kGenerated, set});
    store_->commit(many);
  }
  const std::string crash = crashed();
  int commits = 0;
  const LogStore after(std::make_unique<CountingStore>(open_lmdb_store(crash, kMap), commits),
                       log_files_in(crash), {});
  EXPECT_EQ(commits, 2);
  EXPECT_EQ(after.meta(kGenerated), 3U);
}

TEST_F(LogStoreTest, ACloseThatFailsSaysSo) {
  open_with_log();
  log(1, 1);
  store_->commit({core::DropQueue{id_of(4)}});  // which is not there
  EXPECT_THROW(store_->close(), StoreError);
  EXPECT_THROW(store_->close(), StoreError) << "again";
}

TEST_F(LogStoreTest, ALogWithoutItsDataIsNoNewStore) {
  open_with_log();
  log(1, 5);
  const std::string crash = crashed();
  std::filesystem::remove(crash + "/data.mdb");
  EXPECT_NE(test::error_of([&] { (void)open(crash); }).find("has a log and no data.mdb"),
            std::string::npos);
}

TEST_F(LogStoreTest, ALogForWhichThereIsNoRoomIsGivenUpForGood) {
  LogStore::Settings settings{{3, kSegment}, 8000, 4711, std::size_t{1} << 60U};
  std::filesystem::create_directories(folder_ / "elsewhere");
  std::filesystem::create_directories(path_);
  std::filesystem::create_directory_symlink(folder_ / "elsewhere", path_ + "/log");
  LogStore store{open_lmdb_store(path_, kMap), log_files_in(path_), settings};
  store.commit(put(1));
  const LogStore::Ready ready = store.make_ready();
  ASSERT_TRUE(ready.given_up.has_value());
  EXPECT_NE(ready.given_up->find("are to stay free"), std::string::npos) << *ready.given_up;
  EXPECT_FALSE(store.make_ready().given_up.has_value());
  store.commit(put(2));
  EXPECT_EQ(store.applied(), 2U);
  EXPECT_EQ(store.counted().past_log, 2U);
  EXPECT_EQ(store.meta(kLogOpen).value_or(0), 0U);
  EXPECT_TRUE(std::filesystem::is_symlink(path_ + "/log")) << "it is somebody else's";
}

TEST_F(LogStoreTest, HasWhatWasAppendedWheneverItIsAppliedAndWhereverItCrashes) {
  for (unsigned seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE(seed);
    test::RandomChanges changes{seed};
    const auto model = make_memory_store();
    path_ = folder_ / ("walk" + std::to_string(seed));
    store_ = open(path_);
    for (int step = 0; step < 150; ++step) {
      const std::size_t kind = changes.below(20);
      if (kind < 14) {
        const ChangeSet set = changes.next(changes.below(kind == 0 ? 60 : 6));
        model->commit(set);
        store_->commit(set);
      } else if (kind < 17) {
        (void)store_->apply();
      } else if (kind < 19) {
        (void)store_->make_ready();
      } else if (changes.below(2) == 0) {
        const std::string crash = crashed();
        store_.reset();
        path_ = crash;
        store_ = open(path_);
        ASSERT_EQ(test::contents_of(*store_), test::contents_of(*model));
      } else {
        store_.reset();
        store_ = open(path_, {changes.below(2) == 0 ? 2U : 4U, kSegment});
        ASSERT_EQ(test::contents_of(*store_), test::contents_of(*model));
      }
    }
    store_->settle();
    ASSERT_EQ(test::contents_of(*store_), test::contents_of(*model));
    for (const CheckProblem& problem : check_lmdb_store(path_).problems) {
      ADD_FAILURE() << problem.bucket << " " << problem.id << ": " << problem.what;
    }
  }
}

}  // namespace
}  // namespace pena::store
