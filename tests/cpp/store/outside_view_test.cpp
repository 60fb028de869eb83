// A store whose log has a tail, read from outside: beside its server, and after a crash.
#include "store/outside_view.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "lmdb_folder.hpp"
#include "log_tail.hpp"
#include "store/check.hpp"
#include "store/lmdb_store.hpp"
#include "store/log_frames.hpp"
#include "store/log_store.hpp"

namespace pena::store {
namespace {

using OutsideView = test::LogTail;

TEST_F(OutsideView, WaitsUntilTheServerHasTakenOnWhatItsLogHas) {
  std::thread applier([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds{200});
    (void)store_->apply();
  });
  EXPECT_EQ(open_lmdb_view(path_)->counts(), (BucketCounts{1, 0, 2, 0, 0}));
  EXPECT_EQ(open_store_view(path_)->counts(), kAll);
  applier.join();
}

TEST_F(OutsideView, OfACrashedServerItTakesOnWhatThatLeft) {
  const std::string crash = crashed();
  const auto view = open_store_view(crash);
  EXPECT_EQ(view->counts(), kAll);
  EXPECT_EQ(view->meta(kLogOpen), 0U);
  EXPECT_EQ(open_lmdb_view(crash)->counts(), kAll);
}

TEST_F(OutsideView, ADamagedLogIsNamed) {
  const std::string crash = crashed();
  std::filesystem::remove_all(crash + "/log");
  const auto view = open_store_view(crash);
  try {
    (void)view->counts();
    FAIL() << "the log is gone, and nobody says so";
  } catch (const StoreError& error) {
    EXPECT_NE(std::string{error.what()}.find("segment.0 is missing"), std::string::npos)
        << error.what();
  }
}

TEST_F(OutsideView, ACheckCountsWhatIsInTheLogAndChangesNothing) {
  const std::string crash = crashed();
  const std::string data = test::bytes_of(crash + "/data.mdb");
  const CheckReport report = check_lmdb_store(crash);
  EXPECT_TRUE(report.problems.empty());
  EXPECT_EQ(report.msgs, kAll);
  EXPECT_EQ(report.batches, 0U);
  EXPECT_EQ(report.logged, 2U);
  EXPECT_EQ(test::bytes_of(crash + "/data.mdb"), data);
}

TEST_F(OutsideView, ACheckNamesADamagedLog) {
  const std::string crash = crashed();
  std::string bytes = test::bytes_of(crash + "/log/segment.0");
  bytes[kLogBlock + 40] = static_cast<char>(bytes[kLogBlock + 40] ^ 1);
  std::ofstream(crash + "/log/segment.0", std::ios::binary) << bytes;
  const CheckReport report = check_lmdb_store(crash);
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_EQ(report.problems[0].bucket, "log");
}

}  // namespace
}  // namespace pena::store
