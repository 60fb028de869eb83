#include "store/check.hpp"

#include <lmdb.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "store/format.hpp"
#include "store/lmdb_env.hpp"

namespace pena::store {
namespace {

using core::Xid;

constexpr std::size_t kNamedProblems = 1000;

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes.substr(0, 32)) {
    text += kDigits[static_cast<unsigned char>(c) >> 4U];
    text += kDigits[static_cast<unsigned char>(c) & 15U];
  }
  return text;
}

class Check {
 public:
  explicit Check(const std::string& path) : env_(LmdbEnv::open(path, 0, false)), txn_(*env_) {}

  CheckReport run() {
    each(Table::queue, "queue", [this](const Xid& id, std::string_view value) {
      const core::QueuedMsg msg = decode_queued(id, value);
      ++report_.msgs.queue;
      place(id, "queue");
      attempts("queue", id, msg.misses);
    });
    each(Table::batch, "batch", [this](const Xid& id, std::string_view value) {
      const core::Batch batch = decode_batch(id, value);
      ++report_.batches;
      if (batch.msgs.empty()) problem("batch", id.text(), "it holds no msg");
      for (const core::QueuedMsg& msg : batch.msgs) {
        ++report_.msgs.batch;
        place(msg.msg.id, "batch");
        attempts("batch", msg.msg.id, msg.misses);
      }
    });
    each(Table::report, "report", [this](const Xid& id, std::string_view value) {
      const core::ReportRecord record = decode_report(id, value);
      ++report_.msgs.report;
      place(id, "report");
      attempts("report", id, record.misses);
    });
    each(Table::fail, "fail", [this](const Xid& id, std::string_view value) {
      const core::FailRecord record = decode_fail(id, value);
      ++report_.msgs.fail;
      place(id, "fail");
      if (record.misses.empty()) problem("fail", id.text(), "it failed without an attempt");
    });
    check_places();
    check_meta();
    return std::move(report_);
  }

 private:
  template <class Read>
  void each(Table table, const char* bucket, Read read) {
    MDB_cursor* cursor = nullptr;
    if (const int code = mdb_cursor_open(txn_.get(), env_->table(table), &cursor); code != 0) {
      return problem(bucket, "", std::string{"it cannot be read: "} + mdb_strerror(code));
    }
    MDB_val key{};
    MDB_val value{};
    int code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    for (; code == 0; code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
      const std::string_view bytes(static_cast<const char*>(key.mv_data), key.mv_size);
      if (bytes.size() != Xid::kBytes) {
        problem(bucket, hex(bytes), "its key is no id");
        continue;
      }
      Xid::Bytes id{};
      std::memcpy(id.data(), bytes.data(), id.size());
      try {
        read(Xid{id}, std::string_view(static_cast<const char*>(value.mv_data), value.mv_size));
      } catch (const StoreError& error) {
        problem(bucket, Xid{id}.text(), error.what());
        place(Xid{id}, bucket);
      }
    }
    mdb_cursor_close(cursor);
    if (code != MDB_NOTFOUND) {
      problem(bucket, "", std::string{"it cannot be read on: "} + mdb_strerror(code));
    }
  }

  void place(const Xid& id, const char* bucket) { places_.emplace_back(id, bucket); }

  // Each attempt is a batch of its own. Their times are not looked at: a server that starts again may
  // have another idea of the time.
  void attempts(const char* bucket, const Xid& id, const std::vector<core::Miss>& misses) {
    for (std::size_t i = 1; i < misses.size(); ++i) {
      if (misses[i].batch == misses[i - 1].batch) {
        problem(bucket, id.text(),
                "two of its attempts are of the batch " + misses[i].batch.text());
      }
    }
  }

  void check_places() {
    std::ranges::stable_sort(places_, {}, &std::pair<Xid, const char*>::first);
    for (std::size_t i = 1; i < places_.size(); ++i) {
      if (places_[i].first != places_[i - 1].first) continue;
      problem(places_[i].second, places_[i].first.text(),
              std::string{"it is in "} + places_[i - 1].second + ", too");
    }
  }

  void check_meta() {
    for (const char* name : {"schema", "boots"}) {
      MDB_val key{std::strlen(name), const_cast<char*>(name)};
      MDB_val value{};
      const int code = mdb_get(txn_.get(), env_->table(Table::meta), &key, &value);
      std::uint64_t number = 0;
      if (code == 0 && value.mv_size == sizeof number) {
        std::memcpy(&number, value.mv_data, sizeof number);
      }
      if (number == 0) problem("meta", name, "it is missing or no number");
    }
  }

  void problem(std::string bucket, std::string id, std::string what) {
    if (report_.problems.size() < kNamedProblems) {
      report_.problems.push_back({std::move(bucket), std::move(id), std::move(what)});
    }
  }

  std::shared_ptr<LmdbEnv> env_;
  ReadTxn txn_;
  CheckReport report_;
  std::vector<std::pair<Xid, const char*>> places_;
};

}  // namespace

CheckReport check_lmdb_store(const std::string& path) {
  return Check{path}.run();
}

}  // namespace pena::store
