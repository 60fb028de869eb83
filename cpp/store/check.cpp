#include "store/check.hpp"

#include <lmdb.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/format.hpp"
#include "store/lmdb_cursor.hpp"
#include "store/lmdb_env.hpp"
#include "store/page_check.hpp"
#include "store/queue_table.hpp"

namespace pena::store {
namespace {

using core::Xid;

constexpr std::size_t kNamedOfCheck = 1000;

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
  explicit Check(std::shared_ptr<LmdbEnv> env)
      : env_(std::move(env)), begun_at_(env_->last_txn()) {}

  CheckReport run() {
    queue_read_ = each(Table::queue, "queue", [this](const Xid& id, std::string_view value) {
      if (last_queued_ && id <= *last_queued_) {
        overlaps_.emplace_back(id, *last_queued_);
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
      last_batch_ = std::max(last_batch_, id);
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
    still_ = env_->last_txn() == begun_at_;
    if (still_) {
      for (const auto& [id, last] : overlaps_) {
        problem("queue", id.text(), "a record before it ends with " + last.text());
      }
    }
    check_places();
    check_meta();
    check_last_id();
    return std::move(report_);
  }

 private:
  // False where something could not be read. So many records to a transaction: one that took long would
  // keep a server beside it from using pages again.
  template <class Read>
  bool each(Table table, const char* bucket, Read read) {
    constexpr int kRecordsAtOnce = 1000;
    bool all = true;
    std::optional<std::string> last;
    for (int count = kRecordsAtOnce; count == kRecordsAtOnce;) {
      count = 0;
      const ReadTxn txn(*env_);
      MDB_cursor* cursor = nullptr;
      int code = mdb_cursor_open(txn.get(), env_->table(table), &cursor);
      if (code != 0) {
        problem(bucket, "", std::string{"it cannot be read: "} + mdb_strerror(code));
        return false;
      }
      MDB_val key{};
      MDB_val value{};
      if (last) key = {last->size(), last->data()};
      code = mdb_cursor_get(cursor, &key, &value, last ? MDB_SET_RANGE : MDB_FIRST);
      if (code == 0 && last && bytes_of(key) == *last) {
        code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
      }
      for (; code == 0 && count < kRecordsAtOnce; ++count) {
        last = bytes_of(key);
        all = read_one(bucket, *last, bytes_of(value), read) && all;
        code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
      }
      mdb_cursor_close(cursor);
      if (code != 0 && code != MDB_NOTFOUND) {
        problem(bucket, "", std::string{"it cannot be read on: "} + mdb_strerror(code));
        return false;
      }
    }
    return all;
  }

  template <class Read>
  bool read_one(const char* bucket, std::string_view key, std::string_view value, Read read) {
    if (key.size() != Xid::kBytes) {
      problem(bucket, hex(key), "its key is no id");
      return false;
    }
    Xid::Bytes id{};
    std::memcpy(id.data(), key.data(), id.size());
    try {
      read(Xid{id}, value);
      return true;
    } catch (const StoreError& error) {
      problem(bucket, Xid{id}.text(), error.what());
      place(Xid{id}, bucket);
      return false;
    }
  }

  [[nodiscard]] static std::string_view bytes_of(const MDB_val& value) {
    return {static_cast<const char*>(value.mv_data), value.mv_size};
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
    if (!still_) return look_again();
    for (std::size_t i = 1; i < places_.size(); ++i) {
      if (places_[i].first != places_[i - 1].first) continue;
      problem(places_[i].second, places_[i].first.text(),
              std::string{"it is in "} + places_[i - 1].second + ", too");
    }
  }

  // A server moved msgs meanwhile: of those that were met twice only that counts which is true of one
  // moment.
  void look_again() {
    std::set<Xid> twice;
    for (std::size_t i = 1; i < places_.size(); ++i) {
      if (places_[i].first == places_[i - 1].first) twice.insert(places_[i].first);
    }
    if (twice.empty()) return;
    const ReadTxn txn(*env_);
    std::set<Xid> held;
    Cursor batches(*env_, txn.get(), Table::batch);
    for (bool there = batches.first(); there; there = batches.next()) {
      try {
        for (const core::QueuedMsg& msg : decode_batch(batches.id(), batches.value()).msgs) {
          held.insert(msg.msg.id);
        }
      } catch (const StoreError&) {
        continue;  // it was told
      }
    }
    Cursor cursor(*env_, txn.get(), Table::queue);
    QueuedIds queued(cursor);
    Cursor reports(*env_, txn.get(), Table::report);
    Cursor fails(*env_, txn.get(), Table::fail);
    for (const Xid& id : twice) {
      const char* first = nullptr;
      const auto at = [&](bool there, const char* bucket) {
        if (there && first != nullptr) {
          problem(bucket, id.text(), std::string{"it is in "} + first + ", too");
        }
        if (there) first = bucket;
      };
      at(queued.contains(id), "queue");
      at(held.contains(id), "batch");
      at(reports.to(id), "report");
      at(fails.to(id), "fail");
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
    if (still_ && queue_read_ && queued != report_.msgs.queue) {
      problem("meta", "queued",
              "it says " + (queued ? std::to_string(*queued) : "nothing") +
                  ", the bucket queue has " + std::to_string(report_.msgs.queue));
    }
  }

  // Only ids of batches are surely a server's own. An older store does not say it.
  void check_last_id() {
    const std::optional<std::uint64_t> second = meta(kIdSecond);
    if (second && last_batch_.seconds() > *second) {
      problem("meta", kIdSecond,
              "it is " + std::to_string(*second) + ", and the batch " + last_batch_.text() +
                  " was made later");
    }
  }

  // None where there is no such number.
  std::optional<std::uint64_t> meta(const char* name) {
    const ReadTxn txn(*env_);
    MDB_val key{std::strlen(name), const_cast<char*>(name)};
    MDB_val value{};
    const int code = mdb_get(txn.get(), env_->table(Table::meta), &key, &value);
    std::uint64_t number = 0;
    if (code != 0 || value.mv_size != sizeof number) return std::nullopt;
    std::memcpy(&number, value.mv_data, sizeof number);
    return number;
  }

  void problem(std::string bucket, std::string id, std::string what) {
    if (report_.problems.size() < kNamedOfCheck) {
      report_.problems.push_back({std::move(bucket), std::move(id), std::move(what)});
    }
  }

  std::shared_ptr<LmdbEnv> env_;
  std::size_t begun_at_;  // the newest transaction then
  bool still_ = true;     // nothing was written since
  CheckReport report_;
  std::vector<std::pair<Xid, Xid>>
      overlaps_;  // of the queue: a record, and the id that one before has
  std::optional<Xid> last_queued_;
  Xid last_batch_;
  bool queue_read_ = false;  // whole
  std::vector<std::pair<Xid, const char*>> places_;
};

}  // namespace

CheckReport check_lmdb_store(const std::string& path) {
  try {
    auto env = LmdbEnv::open(path, 0, false);
    env->look_at_pages(~std::uint64_t{0});
    return Check{std::move(env)}.run();
  } catch (const DamagedStore& damaged) {
    CheckReport report;
    for (const PageProblem& problem : damaged.problems) {
      report.problems.push_back({"page", std::to_string(problem.page), problem.what});
    }
    return report;
  }
}

}  // namespace pena::store
