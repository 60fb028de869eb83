#include "store/check_facts.hpp"

#include <lmdb.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "core/one_line.hpp"
#include "store/error.hpp"
#include "store/lmdb_cursor.hpp"
#include "store/lmdb_places.hpp"
#include "store/settled_table.hpp"

namespace pena::store {
namespace {

using core::Xid;

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes.substr(0, 32)) {
    text += kDigits[static_cast<unsigned char>(c) >> 4U];
    text += kDigits[static_cast<unsigned char>(c) & 15U];
  }
  return text;
}

Xid id_at_end(std::string_view key) {
  Xid::Bytes id{};
  std::memcpy(id.data(), key.data() + key.size() - id.size(), id.size());
  return Xid{id};
}

// How the keys of a table are to be read and told.
struct Keys {
  Table table;
  std::size_t bytes;  // 0: any number
  bool end_with_id;
};

class FactReader {
 public:
  explicit FactReader(const LmdbEnv& env) : env_(env) {}

  Facts read() {
    read_queues();
    read_later();
    read_batches();
    read_settled();
    read_places();
    read_order(Table::reported, facts_.reported);
    read_order(Table::failed, facts_.failed);
    read_main_database();
    return std::move(facts_);
  }

 private:
  // Of the snapshots themselves: the last one that the file names may not be what is read yet.
  void note(const ReadTxn& txn) {
    const std::size_t snapshot = mdb_txn_id(txn.get());
    facts_.still = facts_.still && snapshot == first_snapshot_.value_or(snapshot);
    first_snapshot_ = first_snapshot_.value_or(snapshot);
  }

  // So many records to a transaction: one that took long would keep a server beside it from using pages
  // again.
  template <class Read>
  void each(const Keys& keys, Read read) {
    constexpr int kRecordsAtOnce = 1000;
    if (!env_.has(keys.table)) return;
    std::optional<std::string> last;
    for (int count = kRecordsAtOnce; count == kRecordsAtOnce;) {
      count = 0;
      const ReadTxn txn(env_);
      note(txn);
      MDB_cursor* cursor = nullptr;
      int code = mdb_cursor_open(txn.get(), env_.table(keys.table), &cursor);
      if (code != 0) return unreadable(keys.table, "it cannot be read: ", code);
      MDB_val key{};
      MDB_val value{};
      if (last) key = to_val(std::string_view{*last});
      code = mdb_cursor_get(cursor, &key, &value, last ? MDB_SET_RANGE : MDB_FIRST);
      if (code == 0 && last && to_view(key) == *last) {
        code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
      }
      for (; code == 0 && count < kRecordsAtOnce; ++count) {
        last = to_view(key);
        read_one(keys, *last, to_view(value), read);
        code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
      }
      mdb_cursor_close(cursor);
      if (code != 0 && code != MDB_NOTFOUND) {
        return unreadable(keys.table, "it cannot be read on: ", code);
      }
    }
  }

  template <class Read>
  void read_one(const Keys& keys, std::string_view key, std::string_view value, Read read) {
    if (keys.bytes > 0 && key.size() != keys.bytes) {
      facts_.unread.insert(keys.table);
      return problem(keys.table, hex(key),
                     keys.end_with_id && keys.bytes == Xid::kBytes
                         ? "its key is no id"
                         : "its key has " + std::to_string(key.size()) + " bytes, expected " +
                               std::to_string(keys.bytes));
    }
    try {
      read(key, value);
    } catch (const StoreError& error) {
      facts_.unread.insert(keys.table);
      problem(keys.table, keys.end_with_id ? id_at_end(key).text() : hex(key), error.what());
      if (keys.end_with_id && keys.table != Table::place) {
        facts_.msgs.push_back({id_at_end(key), name_of(keys.table)});
      }
    }
  }

  void unreadable(Table table, const char* what, int code) {
    facts_.unread.insert(table);
    problem(table, "", std::string{what} + mdb_strerror(code));
  }

  void read_queues() {
    each({Table::queue, Xid::kBytes, true}, [&](std::string_view key, std::string_view value) {
      read_queue(Table::queue, core::kDefaultQueue, id_at_end(key), value);
    });
    last_queued_.reset();
    std::optional<core::QueueNumber> last;
    each({Table::queues, sizeof(core::QueueNumber) + Xid::kBytes, true},
         [&](std::string_view key, std::string_view value) {
           const auto queue = number_of_key<core::QueueNumber>(key);
           if (last != queue) last_queued_.reset();
           last = queue;
           read_queue(Table::queues, queue, id_at_end(key), value);
         });
  }

  void read_queue(Table table, core::QueueNumber queue, const Xid& id, std::string_view value) {
    if (last_queued_ && id <= *last_queued_) facts_.overlaps.emplace_back(id, *last_queued_);
    std::vector<core::QueuedMsg> msgs;
    decode_queued(id, value, msgs);
    for (const core::QueuedMsg& msg : msgs) {
      ++facts_.report.msgs.queue;
      take(table, msg);
      if (msg.msg.queue != queue) {
        problem(table, msg.msg.id.text(),
                "it is in the queue " + std::to_string(queue) + ", and says that it is of " +
                    std::to_string(msg.msg.queue));
      }
      facts_.msgs.back().queue = queue;
    }
    const Xid& last = msgs.back().msg.id;
    last_queued_ = last_queued_ ? std::max(*last_queued_, last) : last;
  }

  void read_later() {
    each({Table::later, sizeof(std::uint64_t) + Xid::kBytes, true},
         [&](std::string_view key, std::string_view value) {
           const LaterKey later = LaterKey::of(key);
           const core::QueuedMsg msg = decode_later(later.id, value);
           ++facts_.report.msgs.later;
           take(Table::later, msg);
           facts_.msgs.back().due_us = core::to_us(later.due_at);
           if (msg.queued_at == later.due_at) return;
           problem(Table::later, later.id.text(),
                   "it is due at " + std::to_string(core::to_us(msg.queued_at)) +
                       ", and lies where those of " + std::to_string(core::to_us(later.due_at)) +
                       " are");
         });
  }

  void read_batches() {
    each({Table::batch, Xid::kBytes, true}, [&](std::string_view key, std::string_view value) {
      const core::Batch batch = decode_batch(id_at_end(key), value);
      ++facts_.report.batches;
      facts_.last_batch = std::max(facts_.last_batch, batch.id);
      if (batch.msgs.empty()) problem(Table::batch, batch.id.text(), "it holds no msg");
      for (const core::QueuedMsg& msg : batch.msgs) {
        ++facts_.report.msgs.batch;
        take(Table::batch, msg);
      }
    });
  }

  void read_settled() {
    each({Table::report, Xid::kBytes, true}, [&](std::string_view key, std::string_view value) {
      const core::ReportRecord record = decode_report(id_at_end(key), value);
      ++facts_.report.msgs.report;
      facts_.msgs.push_back({record.id, "report", record.queue, 0, record.order});
      note_key(record.queue, record.key, record.id);
      attempts("report", record.id, record.attempts, record.misses.size() + 1);
      batches_of("report", record.id, record.misses);
    });
    each({Table::fail, Xid::kBytes, true}, [&](std::string_view key, std::string_view value) {
      const core::FailRecord record = decode_fail(id_at_end(key), value);
      ++facts_.report.msgs.fail;
      facts_.msgs.push_back({record.msg.id, "fail", record.msg.queue, 0, record.order});
      note_key(record.msg.queue, record.msg.key, record.msg.id);
      attempts("fail", record.msg.id, record.attempts, record.misses.size());
      if (record.misses.empty()) {
        problem(Table::fail, record.msg.id.text(), "it failed without an attempt");
      }
    });
  }

  void read_places() {
    each({Table::place, Xid::kBytes, true}, [&](std::string_view key, std::string_view value) {
      const Xid id = id_at_end(key);
      facts_.places.emplace_back(id, decode_place(id, value));
    });
    each({Table::key, 0, false}, [&](std::string_view key, std::string_view value) {
      const std::size_t prefix = std::min(key.size(), sizeof(core::QueueNumber));
      facts_.keys.push_back({std::string{key}, decode_key(key.substr(prefix), value)});
    });
    each({Table::queue_info, sizeof(core::QueueNumber), false},
         [&](std::string_view key, std::string_view value) {
           facts_.queues.push_back(decode_queue_info(number_of_key<core::QueueNumber>(key), value));
         });
  }

  void read_order(Table table, std::vector<Settled>& into) {
    read_tail(table, into);
    std::uint64_t next = 1;
    each({table, sizeof(std::uint64_t), false}, [&](std::string_view key, std::string_view value) {
      const std::uint64_t first = settled_key(table, key);
      std::vector<Xid> ids;
      decode_settled(name_of(table), first, value, ids);
      if (first < next) {
        problem(table, std::to_string(first),
                "a record before it goes on to " + std::to_string(next - 1));
      }
      next = std::max(next, first + ids.size());
      note_settled(first, ids, into);
    });
  }
  static void note_settled(std::uint64_t first, const std::vector<Xid>& ids,
                           std::vector<Settled>& into) {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (!ids[i].is_nil()) into.push_back({first + i, ids[i]});
    }
  }
  // 1 where the last record cannot be read, which is told with the others.
  std::uint64_t next_place(Table table, const ReadTxn& txn) const {
    try {
      return last_settled_record(env_, txn.get(), table).value_or(SettledTail{}).next();
    } catch (const StoreError&) {
      return 1;
    }
  }
  void read_tail(Table table, std::vector<Settled>& into) {
    try {
      const ReadTxn txn(env_);
      note(txn);
      const auto tail = settled_tail(env_, txn.get(), table);
      if (!tail) return;
      note_settled(tail->first, tail->ids, into);
      const std::uint64_t next = next_place(table, txn);
      if (next <= tail->first) return;
      problem(table, "tail",
              "it begins with " + std::to_string(tail->first) +
                  ", and a record before it goes on to " + std::to_string(next - 1));
    } catch (const StoreError& error) {
      facts_.unread.insert(table);
      problem(table, "tail", error.what());
    }
  }

  void read_main_database() {
    const ReadTxn txn(env_);
    each_beside(env_, txn.get(), [&](std::string_view name) {
      if (is_tail(name) || is_table(name)) return;
      add_problem(facts_.report, "main", core::one_line(name), "no bucket has this name");
    });
  }

  void take(Table table, const core::QueuedMsg& msg) {
    const char* const bucket = name_of(table);
    facts_.msgs.push_back({msg.msg.id, bucket, msg.msg.queue});
    note_key(msg.msg.queue, msg.msg.key, msg.msg.id);
    attempts(bucket, msg.msg.id, msg.attempts, msg.misses.size());
    batches_of(bucket, msg.msg.id, msg.misses);
  }
  void note_key(core::QueueNumber queue, const std::string& key, const Xid& id) {
    if (!key.empty()) facts_.called.push_back({key_of_key(queue, key), id});
  }

  // Of a long story the oldest may have been forgotten.
  void attempts(const char* bucket, const Xid& id, std::size_t attempts, std::size_t told) {
    constexpr std::size_t kLongStory = 16;
    if (attempts <= told || told >= kLongStory) return;
    add_problem(facts_.report, bucket, id.text(),
                "it had " + std::to_string(attempts) + " attempts, of which its story tells " +
                    std::to_string(told));
  }
  // Each attempt is a batch of its own. Their times are not looked at: a server that starts again may
  // have another idea of the time.
  void batches_of(const char* bucket, const Xid& id, const std::vector<core::Miss>& misses) {
    for (std::size_t i = 1; i < misses.size(); ++i) {
      if (misses[i].batch != misses[i - 1].batch) continue;
      add_problem(facts_.report, bucket, id.text(),
                  "two of its attempts are of the batch " + misses[i].batch.text());
    }
  }

  void problem(Table table, std::string id, std::string what) {
    add_problem(facts_.report, name_of(table), std::move(id), std::move(what));
  }

  const LmdbEnv& env_;
  Facts facts_;
  std::optional<std::size_t> first_snapshot_;
  std::optional<Xid> last_queued_;  // of the queue that is read
};

}  // namespace

void add_problem(CheckReport& report, std::string bucket, std::string id, std::string what) {
  constexpr std::size_t kNamed = 1000;
  if (report.problems.size() < kNamed) {
    report.problems.push_back({std::move(bucket), std::move(id), std::move(what)});
  }
}

Facts read_facts(const LmdbEnv& env) {
  return FactReader{env}.read();
}

}  // namespace pena::store
