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
#include "store/format.hpp"
#include "store/lmdb_cursor.hpp"

namespace pena::store::test::old {

struct Content {
  std::vector<std::vector<core::QueuedMsg>> queue;  // record by record
  std::vector<core::Batch> batches;
  std::vector<core::ReportRecord> reports;
  std::vector<core::FailRecord> fails;
  std::map<std::string, std::uint64_t> meta;
};
inline const std::vector<const char*> kOldTables{"queue", "batch", "report", "fail", "meta"};
// Schema 3 has these, too.
inline const std::vector<const char*> kNewerTables{"queues",     "later",    "place", "key",
                                                   "queue_info", "reported", "failed"};

class Writer {
 public:
  explicit Writer(const std::string& path) {
    std::filesystem::create_directories(path);
    EXPECT_EQ(mdb_env_create(&env_), 0);
    mdb_env_set_maxdbs(env_, 12);
    mdb_env_set_mapsize(env_, kMap);
    EXPECT_EQ(mdb_env_open(env_, path.c_str(), 0, 0644), 0);
    EXPECT_EQ(mdb_txn_begin(env_, nullptr, 0, &txn_), 0);
    make_tables(kOldTables);
  }
  ~Writer() {
    EXPECT_EQ(mdb_txn_commit(txn_), 0);
    mdb_env_close(env_);
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void make_tables(const std::vector<const char*>& names) {
    for (const char* name : names) {
      EXPECT_EQ(mdb_dbi_open(txn_, name, MDB_CREATE, &tables_[name]), 0);
    }
  }
  void put(const char* table, MDB_val key, std::string_view value) {
    MDB_val data = to_val(value);
    EXPECT_EQ(mdb_put(txn_, tables_[table], &key, &data, 0), 0);
  }

 private:
  MDB_env* env_ = nullptr;
  MDB_txn* txn_ = nullptr;
  std::map<std::string, MDB_dbi> tables_;
};

inline void put_content(Writer& writer, const Content& content, std::uint8_t version) {
  for (const auto& msgs : content.queue) {
    writer.put("queue", to_val(msgs.front().msg.id), queue(msgs, version));
  }
  for (const core::Batch& one : content.batches) {
    writer.put("batch", to_val(one.id), batch(one, version));
  }
  for (const auto& one : content.reports) {
    writer.put("report", to_val(one.id), report(one, version));
  }
  for (const auto& one : content.fails) writer.put("fail", to_val(one.msg.id), fail(one, version));
  for (const auto& [name, number] : content.meta) {
    writer.put("meta", to_val(std::string_view{name}),
               {reinterpret_cast<const char*>(&number), sizeof number});
  }
}

inline void make_store(const std::string& path, const Content& content) {
  Writer writer(path);
  put_content(writer, content, 1);
}

// Of schema 3. `reported` and `failed`: what has these places, record by record.
using Places = std::map<std::uint64_t, std::vector<core::Xid>>;
inline void make_store_3(const std::string& path, const Content& content, const Places& reported,
                         const Places& failed, const QueueInfo& info) {
  Writer writer(path);
  writer.make_tables(kNewerTables);
  put_content(writer, content, 2);
  for (const auto& [table, places] : {std::pair{"reported", &reported}, {"failed", &failed}}) {
    for (const auto& [first, ids] : *places) {
      Body body(2);
      for (const core::Xid& id : ids) body.xid(id);
      writer.put(table, to_val(std::string_view{key_of_number(first)}), body.value());
    }
  }
  Body body(2);
  body.number(static_cast<std::uint8_t>(info.paused ? 1 : 0)).number(info.queued);
  body.number(info.later).number(info.reported).number(info.failed).name(info.name);
  writer.put("queue_info", to_val(std::string_view{key_of_number(info.number)}), body.value());
}

}  // namespace pena::store::test::old
