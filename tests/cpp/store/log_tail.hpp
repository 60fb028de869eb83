// A store whose log has what it has not.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "lmdb_folder.hpp"
#include "sample.hpp"
#include "store/lmdb_store.hpp"
#include "store/log_frames.hpp"
#include "store/log_store.hpp"
#include "support/temp_folder.hpp"

namespace pena::store::test {

class LogTail : public testing::Test {
 protected:
  LogTail() {
    store_ = std::make_unique<LogStore>(open_lmdb_store(path_, kMap), log_files_in(path_),
                                        LogStore::Settings{{3, 16 * kLogBlock}, 8000, 4711});
    store_->commit({core::PutQueue{queued(1)}, put_batch(700, {queued(2), queued(3)})});
    while (store_->make_ready().more) {
    }
    store_->commit({core::PutQueue{queued(4)}});
    store_->commit(
        {core::DropBatch{id_of(700)}, core::PutReport{reported(2)}, core::PutFail{failed(3)}});
  }
  // What a crash leaves, in a folder of its own.
  std::string crashed() {
    std::string copy = folder_ / "crash";
    std::filesystem::copy(path_, copy, std::filesystem::copy_options::recursive);
    std::filesystem::remove(copy + "/lock.mdb");
    return copy;
  }

  static constexpr BucketCounts kAll{2, 0, 0, 1, 1};

  pena::test::TempFolder folder_;
  std::string path_ = folder_ / "store";
  std::unique_ptr<LogStore> store_;
};

}  // namespace pena::store::test
