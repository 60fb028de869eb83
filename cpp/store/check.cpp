#include "store/check.hpp"

#include <lmdb.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

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
    queue_read_ = each(Table::queue, "queue", [this](const Xid& id, std::string_view value) {
      if (last_queued_ && id <= *last_queued_) {
        problem("queue", id.text(), "a record before it ends with " + last_queued_->text());
      }
      std::vector<core::QueuedMsg> msgs;
      decode_queued(id, value, msgs);
      for (const core::QueuedMsg& msg : msgs) {
        ++report_.msgs.queue;
        place(msg.msg.id, "queue");
        attempts("queue", msg.msg.id, msg.misses);
      }
      const Xid& last = msgs.back().msg.id;
      last_queued_ = last_queued_ ? std::max(*last_queued_, last) : last;
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
  // False where something could not be read.
  template <class Read>
  bool each(Table table, const char* bucket, Read read) {
    MDB_cursor* cursor = nullptr;
    if (const int code = mdb_cursor_open(txn_.get(), env_->table(table), &cursor); code != 0) {
      problem(bucket, "", std::string{"it cannot be read: "} + mdb_strerror(code));
      return false;
    }
    bool all = true;
    MDB_val key{};
    MDB_val value{};
    int code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    for (; code == 0; code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
      const std::string_view bytes(static_cast<const char*>(key.mv_data), key.mv_size);
      if (bytes.size() != Xid::kBytes) {
        problem(bucket, hex(bytes), "its key is no id");
        all = false;
        continue;
      }
      Xid::Bytes id{};
      std::memcpy(id.data(), bytes.data(), id.size());
      try {
        read(Xid{id}, std::string_view(static_cast<const char*>(value.mv_data), value.mv_size));
      } catch (const StoreError& error) {
        problem(bucket, Xid{id}.text(), error.what());
        place(Xid{id}, bucket);
        all = false;
      }
    }
    mdb_cursor_close(cursor);
    if (code != MDB_NOTFOUND) {
      problem(bucket, "", std::string{"it cannot be read on: "} + mdb_strerror(code));
      all = false;
    }
    return all;
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
    const std::optional<std::uint64_t> schema = meta("schema");
    if (schema && (*schema < kOldestSchema || *schema > kSchema)) {
      problem("meta", "schema",
              "it is " + std::to_string(*schema) + ", expected " + std::to_string(kOldestSchema) +
                  " to " + std::to_string(kSchema));
    }
    for (const char* name : {"schema", "boots"}) {
      if (meta(name).value_or(0) == 0) problem("meta", name, "it is missing or no number");
    }
    const std::optional<std::uint64_t> queued = meta("queued");
    if (!queued && schema == kOldestSchema) return;
    if (queue_read_ && queued != report_.msgs.queue) {
      problem("meta", "queued",
              "it says " + (queued ? std::to_string(*queued) : "nothing") +
                  ", the bucket queue has " + std::to_string(report_.msgs.queue));
    }
  }

  // None where there is no such number.
  std::optional<std::uint64_t> meta(const char* name) {
    MDB_val key{std::strlen(name), const_cast<char*>(name)};
    MDB_val value{};
    const int code = mdb_get(txn_.get(), env_->table(Table::meta), &key, &value);
    std::uint64_t number = 0;
    if (code != 0 || value.mv_size != sizeof number) return std::nullopt;
    std::memcpy(&number, value.mv_data, sizeof number);
    return number;
  }

  void problem(std::string bucket, std::string id, std::string what) {
    if (report_.problems.size() < kNamedProblems) {
      report_.problems.push_back({std::move(bucket), std::move(id), std::move(what)});
    }
  }

  std::shared_ptr<LmdbEnv> env_;
  ReadTxn txn_;
  CheckReport report_;
  std::optional<Xid> last_queued_;
  bool queue_read_ = false;  // whole
  std::vector<std::pair<Xid, const char*>> places_;
};

}  // namespace

CheckReport check_lmdb_store(const std::string& path) {
  return Check{path}.run();
}

}  // namespace pena::store
