// A store as older programs have left it: with their tables and their records.
#pragma once

#include <gtest/gtest.h>
#include <lmdb.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "lmdb_folder.hpp"
#include "old_records.hpp"
#include "store/lmdb_cursor.hpp"

namespace pena::store::test::old {

struct Content {
  std::vector<std::vector<core::QueuedMsg>> queue;  // record by record
  std::vector<core::Batch> batches;
  std::vector<core::ReportRecord> reports;
  std::vector<core::FailRecord> fails;
  std::map<std::string, std::uint64_t> meta;
};

class Writer {
 public:
  explicit Writer(const std::string& path) {
    std::filesystem::create_directories(path);
    EXPECT_EQ(mdb_env_create(&env_), 0);
    mdb_env_set_maxdbs(env_, 5);
    mdb_env_set_mapsize(env_, kMap);
    EXPECT_EQ(mdb_env_open(env_, path.c_str(), 0, 0644), 0);
    EXPECT_EQ(mdb_txn_begin(env_, nullptr, 0, &txn_), 0);
    for (const char* name : {"queue", "batch", "report", "fail", "meta"}) {
      EXPECT_EQ(mdb_dbi_open(txn_, name, MDB_CREATE, &tables_[name]), 0);
    }
  }
  ~Writer() {
    EXPECT_EQ(mdb_txn_commit(txn_), 0);
    mdb_env_close(env_);
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void put(const char* table, MDB_val key, std::string_view value) {
    MDB_val data = to_val(value);
    EXPECT_EQ(mdb_put(txn_, tables_[table], &key, &data, 0), 0);
  }

 private:
  MDB_env* env_ = nullptr;
  MDB_txn* txn_ = nullptr;
  std::map<std::string, MDB_dbi> tables_;
};

inline void make_store(const std::string& path, const Content& content) {
  Writer writer(path);
  for (const auto& msgs : content.queue) {
    writer.put("queue", to_val(msgs.front().msg.id), queue(msgs));
  }
  for (const core::Batch& one : content.batches) writer.put("batch", to_val(one.id), batch(one));
  for (const auto& one : content.reports) writer.put("report", to_val(one.id), report(one));
  for (const auto& one : content.fails) writer.put("fail", to_val(one.msg.id), fail(one));
  for (const auto& [name, number] : content.meta) {
    writer.put("meta", to_val(std::string_view{name}),
               {reinterpret_cast<const char*>(&number), sizeof number});
  }
}

}  // namespace pena::store::test::old
