#include "store/lmdb_log.hpp"

#include <optional>
#include <string_view>
#include <variant>

#include "store/format.hpp"
#include "store/lmdb_cursor.hpp"
#include "store/lmdb_records.hpp"
#include "store/queue_table.hpp"

namespace pena::store {
namespace {

using core::Xid;

// Puts and drops of one bucket within one transaction. Keys that come in order are appended, which
// is several times faster than a search from the root.
class TableWriter {
 public:
  TableWriter(const LmdbEnv& env, MDB_txn* txn, Bucket bucket, Table table)
      : bucket_(bucket), cursor_(env, txn, table) {}

  void put(const Xid& id, std::string_view value) {
    if (!last_known_) look_for_last();
    const bool append = !last_ || id > *last_;
    if (!cursor_.put_new(id, value, append)) refuse_put(bucket_, id);
    if (append) last_ = id;
  }
  void replace(const Xid& id, std::string_view value) { cursor_.put(id, value); }
  void drop(const Xid& id) {
    if (!cursor_.to(id)) refuse_drop(bucket_, id);
    cursor_.drop();
    if (last_ == id) last_known_ = false;
  }

 private:
  void look_for_last() {
    last_ = cursor_.last() ? std::optional{cursor_.id()} : std::nullopt;
    last_known_ = true;
  }

  Bucket bucket_;
  Cursor cursor_;
  std::optional<Xid> last_;
  bool last_known_ = false;
};

// A change set on its way into one write transaction.
class Applying {
 public:
  Applying(const LmdbEnv& env, MDB_txn* txn, std::string& buffer, std::string& queue_buffer)
      : env_(env),
        txn_(txn),
        buffer_(buffer),
        queue_(env, txn, queue_buffer),
        batch_(env, txn, Bucket::batch, Table::batch),
        report_(env, txn, Bucket::report, Table::report),
        fail_(env, txn, Bucket::fail, Table::fail) {}

  void operator()(const core::PutQueue& write) { queue_.put(write.msg); }
  void operator()(const core::DropQueue& write) { queue_.drop(write.id); }
  void operator()(const core::PutBatch& write) {
    if (!write.replaces) return put(batch_, write.batch->id, *write.batch);
    encode(*write.batch, buffer_);
    bytes_ += buffer_.size();
    batch_.replace(write.batch->id, buffer_);
  }
  void operator()(const core::DropBatch& write) { batch_.drop(write.id); }
  void operator()(const core::PutReport& write) { put(report_, write.record.id, write.record); }
  void operator()(const core::PutFail& write) { put(fail_, write.record.msg.id, write.record); }
  void operator()(const core::PutMeta& write) { put_number(env_, txn_, write.key, write.value); }

  // By so many msgs the queue has grown.
  [[nodiscard]] std::int64_t finish() {
    queue_.flush();
    return queue_.growth();
  }
  [[nodiscard]] std::size_t bytes() const { return bytes_ + queue_.bytes(); }

 private:
  template <class Record>
  void put(TableWriter& table, const Xid& id, const Record& record) {
    encode(record, buffer_);
    bytes_ += buffer_.size();
    table.put(id, buffer_);
  }

  const LmdbEnv& env_;
  MDB_txn* txn_;
  std::string& buffer_;
  std::size_t bytes_ = 0;  // of the records put so far, but for the queue's
  QueueWriter queue_;
  TableWriter batch_;
  TableWriter report_;
  TableWriter fail_;
};

}  // namespace

LmdbLog::LmdbLog(const LmdbIndex& index) : env_(index.env()) {
  const std::optional<std::uint64_t> boots = index.meta(kBootsKey);
  if (boots) refuse_other_schema(index);  // before the first write
  queued_ = index.queue_length();
  WriteTxn txn(env_);
  // An older store has one msg in each record of its queue, so it is one of this schema as soon
  // as it says so.
  put_number(env_, txn.get(), kSchemaKey, kSchema);
  put_number(env_, txn.get(), kQueuedKey, queued_);
  put_number(env_, txn.get(), kBootsKey, boots.value_or(0) + 1);
  txn.commit();
}

std::size_t LmdbLog::commit(const ChangeSet& changes) {
  WriteTxn txn(env_);
  room_.keep_ahead(env_);
  const Applied applied = apply(changes, txn.get());
  txn.commit();
  queued_ = applied.queued;
  return applied.bytes;
}

// Its cursors are closed when it returns: LMDB wants that before a write transaction ends.
LmdbLog::Applied LmdbLog::apply(const ChangeSet& changes, MDB_txn* txn) {
  Applying applying(env_, txn, buffer_, queue_buffer_);
  for (const core::Write& write : changes) std::visit(applying, write);
  std::uint64_t queued = queued_;
  if (const std::int64_t growth = applying.finish(); growth != 0) {
    queued += static_cast<std::uint64_t>(growth);
    if (growth < 0 && queued > queued_) {
      throw StoreError("the meta value queued is too low: " + std::to_string(queued_));
    }
    put_number(env_, txn, kQueuedKey, queued);
  }
  return {applying.bytes(), queued};
}

}  // namespace pena::store
