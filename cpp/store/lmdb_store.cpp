#include "store/lmdb_store.hpp"

#include <lmdb.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <functional>
#include <numeric>
#include <utility>

#include "store/file_room.hpp"
#include "store/fill_gauge.hpp"
#include "store/format.hpp"
#include "store/held_ids.hpp"
#include "store/lmdb_cursor.hpp"
#include "store/lmdb_env.hpp"
#include "store/lmdb_files.hpp"
#include "store/queue_table.hpp"
#include "store/server_lock.hpp"
#include "store/slow_readers.hpp"

namespace pena::store {
namespace {

using core::Xid;

constexpr const char* kSchemaKey = "schema";
constexpr const char* kBootsKey = "boots";
constexpr const char* kQueuedKey = "queued";

constexpr std::size_t kLeastUpperPart = std::size_t{64} << 20U;

void queued_ids(const Xid& key, std::string_view value, std::vector<Xid>& out) {
  std::vector<QueuedSlice> slices;
  slice_queued(key, value, slices);
  for (const QueuedSlice& slice : slices) out.push_back(slice.id);
}

Table table_of(Bucket bucket) {
  switch (bucket) {
    case Bucket::queue:
      return Table::queue;
    case Bucket::batch:
      return Table::batch;
    case Bucket::report:
      return Table::report;
    case Bucket::fail:
      return Table::fail;
  }
  return Table::meta;
}

// The places of `ids` in the order of the ids.
std::vector<std::size_t> order_of(const std::vector<Xid>& ids) {
  std::vector<std::size_t> order(ids.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto id_at = [&](std::size_t at) -> const Xid& {
    return ids[at];
  };
  if (!std::ranges::is_sorted(ids)) std::ranges::sort(order, {}, id_at);
  return order;
}

// Puts and drops of one bucket within one transaction. Keys that come in order are appended, which
// is several times faster than a search from the root.
class TableWriter {
 public:
  TableWriter(const LmdbEnv& env, MDB_txn* txn, Bucket bucket)
      : bucket_(bucket), cursor_(env, txn, table_of(bucket)) {}

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

void put_meta(const LmdbEnv& env, MDB_txn* txn, std::string_view name, std::uint64_t number) {
  MDB_val key = to_val(name);
  MDB_val value{sizeof number, &number};
  const int code = mdb_put(txn, env.table(Table::meta), &key, &value, 0);
  if (code != 0) throw_lmdb("cannot write to the store", code);
}

class LmdbView {
 public:
  explicit LmdbView(std::shared_ptr<LmdbEnv> env) : env_(std::move(env)) {}

  template <class Record, class Decode>
  Page<Record> page(Table table, const std::optional<Xid>& after, Most most, Decode decode) const {
    const ReadTxn txn(*env_);
    Cursor cursor(*env_, txn.get(), table);
    Page<Record> page;
    bool there = cursor.to_first_behind(after);
    std::size_t bytes = 0;
    for (; there && page.records.size() < most.records && bytes < most.bytes;
         there = cursor.next()) {
      const std::string_view value = cursor.value();
      bytes += value.size();
      page.records.push_back(decode(cursor.id(), value));
    }
    page.more = there;
    return page;
  }

  template <class Record, class Read, class IdOf, class BytesOf>
  Page<Record> queue(const std::optional<Xid>& after, std::size_t limit, Read read, IdOf id_of,
                     std::size_t bytes, BytesOf bytes_of) const {
    const ReadTxn txn(*env_);
    Cursor cursor(*env_, txn.get(), Table::queue);
    return queue_page<Record>(cursor, after, limit, read, id_of, bytes, bytes_of);
  }

  [[nodiscard]] std::vector<core::QueuedMsg> queued(const std::vector<Xid>& ids,
                                                    std::size_t bytes) const {
    const ReadTxn txn(*env_);
    Cursor cursor(*env_, txn.get(), Table::queue);
    return read_queued(cursor, ids, bytes);
  }

  [[nodiscard]] std::vector<core::Batch> batches() const {
    return page<core::Batch>(Table::batch, std::nullopt, SIZE_MAX, decode_batch).records;
  }

  template <class Record, class Decode>
  std::optional<Record> one(Table table, const Xid& id, Decode decode) const {
    const ReadTxn txn(*env_);
    const auto value = get(txn, table, to_val(id));
    return value ? std::optional{decode(id, *value)} : std::nullopt;
  }

  // In the order of the ids, whatever order they are asked in: a record of the queue is read once,
  // and neighbours lie on the same pages.
  [[nodiscard]] std::vector<std::optional<Bucket>> find_all(const std::vector<Xid>& ids) const {
    const ReadTxn txn(*env_);
    Cursor cursor(*env_, txn.get(), Table::queue);
    QueuedIds queued(cursor);
    std::vector<std::optional<Bucket>> found(ids.size());
    for (const std::size_t at : order_of(ids)) {
      const Xid& id = ids[at];
      if (get(txn, Table::report, to_val(id))) {
        found[at] = Bucket::report;
      } else if (queued.contains(id)) {
        found[at] = Bucket::queue;
      } else if (get(txn, Table::fail, to_val(id))) {
        found[at] = Bucket::fail;
      }
    }
    return found;
  }

  [[nodiscard]] std::optional<Xid> last_up_to(const Xid& id) const {
    const ReadTxn txn(*env_);
    std::optional<Xid> last;
    const auto look = [&](const Xid& here) {
      if (!last || here > *last) last = here;
    };
    for (const Table table : {Table::report, Table::fail}) {
      Cursor cursor(*env_, txn.get(), table);
      if (cursor.to_last_up_to(id)) look(cursor.id());
    }
    Cursor cursor(*env_, txn.get(), Table::queue);
    if (cursor.to_last_up_to(id)) {
      std::vector<QueuedSlice> slices;
      slice_queued(cursor.id(), cursor.value(), slices);
      for (const QueuedSlice& slice : slices) {
        if (slice.id <= id) look(slice.id);
      }
    }
    return last;
  }

  [[nodiscard]] std::uint64_t queued() const { return queued(ReadTxn(*env_)); }

  [[nodiscard]] BucketCounts counts() const {
    const ReadTxn txn(*env_);
    BucketCounts counts{queued(txn), 0, entries(txn, Table::report), entries(txn, Table::fail)};
    Cursor cursor(*env_, txn.get(), Table::batch);
    for (bool there = cursor.first(); there; there = cursor.next()) {
      counts.batch += batch_size(cursor.id(), cursor.value());
    }
    return counts;
  }

  [[nodiscard]] std::optional<std::uint64_t> meta(const std::string& key) const {
    return number(ReadTxn(*env_), key);
  }

  [[nodiscard]] const LmdbEnv& env() const { return *env_; }

 private:
  [[nodiscard]] std::optional<std::string_view> get(const ReadTxn& txn, Table table,
                                                    MDB_val key) const {
    MDB_val value{};
    const int code = mdb_get(txn.get(), env_->table(table), &key, &value);
    if (code == MDB_NOTFOUND) return std::nullopt;
    if (code != 0) throw_lmdb("cannot read the store", code);
    return to_view(value);
  }
  [[nodiscard]] std::uint64_t entries(const ReadTxn& txn, Table table) const {
    MDB_stat stat{};
    const int code = mdb_stat(txn.get(), env_->table(table), &stat);
    if (code != 0) throw_lmdb("cannot read the store", code);
    return stat.ms_entries;
  }
  // Stores of schema 1 do not say it, and have one msg a record.
  [[nodiscard]] std::uint64_t queued(const ReadTxn& txn) const {
    if (const auto said = number(txn, kQueuedKey)) return *said;
    if (number(txn, kSchemaKey).value_or(kOldestSchema) == kOldestSchema) {
      return entries(txn, Table::queue);
    }
    throw StoreError("the meta value queued is missing");
  }
  [[nodiscard]] std::optional<std::uint64_t> number(const ReadTxn& txn,
                                                    const std::string& key) const {
    const auto value = get(txn, Table::meta, to_val(key));
    std::uint64_t number = 0;
    if (!value) return std::nullopt;
    if (value->size() != sizeof number) throw StoreError("the meta value " + key + " is corrupt");
    std::memcpy(&number, value->data(), sizeof number);
    return number;
  }

  std::shared_ptr<LmdbEnv> env_;
};

// The reads, for a store and for a view alike.
template <class Base>
class Reading : public Base {
 public:
  explicit Reading(std::shared_ptr<LmdbEnv> env) : view_(std::move(env)) {}

  [[nodiscard]] Page<Xid> ids(Bucket bucket, std::optional<Xid> after,
                              std::size_t limit) const override {
    if (bucket == Bucket::batch) return held_ids(view_.batches(), after, limit);
    if (bucket == Bucket::queue) {
      return view_.template queue<Xid>(after, limit, queued_ids, std::identity{}, SIZE_MAX,
                                       [](const Xid& /*id*/) { return std::size_t{1}; });
    }
    return view_.template page<Xid>(table_of(bucket), after, limit,
                                    [](const Xid& id, std::string_view) { return id; });
  }
  [[nodiscard]] Page<core::QueuedMsg> queue(std::optional<Xid> after, std::size_t limit,
                                            std::size_t bytes) const override {
    return view_.template queue<core::QueuedMsg>(
        after, limit, decode_queued, [](const core::QueuedMsg& queued) { return queued.msg.id; },
        bytes, [](const core::QueuedMsg& queued) { return queued.memory_bytes(); });
  }
  [[nodiscard]] std::vector<core::QueuedMsg> queued(const std::vector<Xid>& ids,
                                                    std::size_t bytes) const override {
    return view_.queued(ids, bytes);
  }
  [[nodiscard]] Page<core::ReportRecord> reports(std::optional<Xid> after,
                                                 Most most) const override {
    return view_.template page<core::ReportRecord>(Table::report, after, most, decode_report);
  }
  [[nodiscard]] Page<core::FailRecord> fails(std::optional<Xid> after, Most most) const override {
    return view_.template page<core::FailRecord>(Table::fail, after, most, decode_fail);
  }
  [[nodiscard]] std::vector<core::Batch> batches() const override { return view_.batches(); }
  [[nodiscard]] std::optional<core::ReportRecord> report(const Xid& id) const override {
    return view_.template one<core::ReportRecord>(Table::report, id, decode_report);
  }
  [[nodiscard]] std::optional<core::FailRecord> fail(const Xid& id) const override {
    return view_.template one<core::FailRecord>(Table::fail, id, decode_fail);
  }
  [[nodiscard]] std::optional<Bucket> find(const Xid& id) const override {
    return view_.find_all({id}).front();
  }
  [[nodiscard]] std::vector<std::optional<Bucket>> find_all(
      const std::vector<Xid>& ids) const override {
    return view_.find_all(ids);
  }
  [[nodiscard]] std::optional<Xid> last_up_to(const Xid& id) const override {
    return view_.last_up_to(id);
  }
  [[nodiscard]] BucketCounts counts() const override { return view_.counts(); }
  [[nodiscard]] std::optional<std::uint64_t> meta(const std::string& key) const override {
    return view_.meta(key);
  }

 protected:
  LmdbView view_;
};

void refuse_other_schema(const LmdbView& view) {
  const std::uint64_t schema = view.meta(kSchemaKey).value_or(0);
  if (schema >= kOldestSchema && schema <= kSchema) return;
  throw StoreError("the store " + view.env().path() + " has schema " + std::to_string(schema) +
                   ", this program reads " + std::to_string(kOldestSchema) + " to " +
                   std::to_string(kSchema) + (schema > kSchema ? "; use a newer Pena" : ""));
}

// A change set on its way into one write transaction.
class Applying {
 public:
  Applying(const LmdbEnv& env, MDB_txn* txn, std::string& buffer, std::string& queue_buffer)
      : env_(env),
        txn_(txn),
        buffer_(buffer),
        queue_(env, txn, queue_buffer),
        batch_(env, txn, Bucket::batch),
        report_(env, txn, Bucket::report),
        fail_(env, txn, Bucket::fail) {}

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
  void operator()(const core::PutMeta& write) { put_meta(env_, txn_, write.key, write.value); }

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

class LmdbStore final : public Reading<Store> {
 public:
  // Takes the lock when nothing can fail any more.
  LmdbStore(std::unique_ptr<ServerLock>& lock, std::shared_ptr<LmdbEnv> env, const FillGauge& gauge)
      : Reading<Store>(std::move(env)), gauge_(gauge) {
    // Before the first write: a store of another schema is left as it is.
    const bool fresh = !view_.meta(kBootsKey);
    if (!fresh) refuse_other_schema(view_);
    const std::uint64_t boots = view_.meta(kBootsKey).value_or(0);
    queued_ = view_.queued();
    WriteTxn txn(view_.env());
    // An older store has one msg in each record of its queue, so it is one of this schema as soon
    // as it says so.
    put_meta(view_.env(), txn.get(), kSchemaKey, kSchema);
    put_meta(view_.env(), txn.get(), kQueuedKey, queued_);
    put_meta(view_.env(), txn.get(), kBootsKey, boots + 1);
    txn.commit();
    (void)gauge_.read(view_.env());
    lock_ = std::move(lock);
  }

  void commit(const ChangeSet& changes) override {
    lock_->check();
    WriteTxn txn(view_.env());
    room_.keep_ahead(view_.env());
    std::size_t bytes = 0;
    std::uint64_t queued = queued_;
    {
      Applying apply(view_.env(), txn.get(), buffer_, queue_buffer_);
      for (const core::Write& write : changes) std::visit(apply, write);
      if (const std::int64_t growth = apply.finish(); growth != 0) {
        queued += static_cast<std::uint64_t>(growth);
        if (growth < 0 && queued > queued_) {
          throw StoreError("the meta value queued is too low: " + std::to_string(queued_));
        }
        put_meta(view_.env(), txn.get(), kQueuedKey, queued);
      }
      bytes = apply.bytes();
    }
    txn.commit();
    queued_ = queued;
    gauge_.committed(changes.size(), bytes);
  }

  [[nodiscard]] double fill() const override { return gauge_.read(view_.env()); }
  [[nodiscard]] bool disk_is_low() const override { return gauge_.disk_is_low(); }
  [[nodiscard]] core::Room room() const override { return gauge_.room(view_.env()); }
  [[nodiscard]] std::optional<std::string> warning() override {
    return readers_.warning(view_.env(), gauge_, SlowReaders::Clock::now());
  }

 private:
  std::unique_ptr<ServerLock> lock_;
  std::string buffer_;  // of encode
  std::string queue_buffer_;
  std::uint64_t queued_ = 0;  // msgs in the queue
  FileRoom room_;
  mutable FillGauge gauge_;
  SlowReaders readers_;
};

class LmdbReadOnly final : public Reading<BucketView> {
 public:
  using Reading<BucketView>::Reading;
};

// The upper part is for what becomes of msgs that were taken.
std::size_t map_of(std::size_t map_bytes) {
  return map_bytes + std::max(map_bytes, kLeastUpperPart);
}

}  // namespace

std::optional<std::string> map_problem(const core::Limits& limits) {
  constexpr std::uint64_t kOfNothing = 64;  // pages of an empty store
  const std::uint64_t record = core::kMsgFields + limits.payload_bytes;
  core::BatchRoom granted{limits};
  granted.add(record);
  const std::uint64_t pages = kOfNothing + core::kPagesOfCommits +
                              core::room_of_record(record).pages + granted.total().pages;
  if (pages <= map_of(limits.map_bytes) / core::kRoomPage) return std::nullopt;
  return "map_bytes (" + std::to_string(limits.map_bytes) + ") must be at least " +
         std::to_string(pages * core::kRoomPage / 2) + " for payload_bytes (" +
         std::to_string(limits.payload_bytes) + "), or the largest msg finds no room";
}

std::unique_ptr<Store> open_lmdb_store(const std::string& path, std::size_t map_bytes,
                                       std::size_t least_disk_bytes) {
  NewFolders folders(path);
  // The lock first: a second server must not touch the environment of the first.
  auto lock = std::make_unique<ServerLock>(path);
  const bool fresh = !key_of(data_file_of(path));
  try {
    auto env = LmdbEnv::open(path, map_of(map_bytes), true);
    auto store =
        std::make_unique<LmdbStore>(lock, std::move(env), FillGauge{map_bytes, least_disk_bytes});
    folders.keep();
    return store;
  } catch (...) {
    // Who has the lock is the only one who makes a store.
    std::error_code ignored;
    const std::array<std::string, 2> files{data_file_of(path), lock_file_of(path)};
    for (const auto& file : files) {
      if (fresh) std::filesystem::remove(file, ignored);
    }
    lock->undo();
    throw;
  }
}

std::unique_ptr<BucketView> open_lmdb_view(const std::string& path) {
  auto env = LmdbEnv::open(path, 0, false);
  refuse_other_schema(LmdbView{env});
  return std::make_unique<LmdbReadOnly>(std::move(env));
}

}  // namespace pena::store
