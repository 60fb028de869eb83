#include "store/lmdb_store.hpp"

#include <lmdb.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <utility>

#include "store/file_room.hpp"
#include "store/fill_gauge.hpp"
#include "store/format.hpp"
#include "store/held_ids.hpp"
#include "store/lmdb_env.hpp"
#include "store/server_lock.hpp"

namespace pena::store {
namespace {

using core::Xid;

constexpr const char* kSchemaKey = "schema";
constexpr const char* kBootsKey = "boots";

MDB_val val(const Xid& id) {
  return {Xid::kBytes, const_cast<std::uint8_t*>(id.bytes().data())};
}
MDB_val val(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};
}
std::string_view view(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}
Xid xid(const MDB_val& key) {
  Xid::Bytes bytes{};
  if (key.mv_size != bytes.size()) {
    throw StoreError("a key of the store is corrupt: it has " + std::to_string(key.mv_size) +
                     " bytes, expected 12");
  }
  std::memcpy(bytes.data(), key.mv_data, bytes.size());
  return Xid{bytes};
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

class Cursor {
 public:
  Cursor(const LmdbEnv& env, MDB_txn* txn, Table table) {
    const int code = mdb_cursor_open(txn, env.table(table), &cursor_);
    if (code != 0) throw_lmdb("cannot read the store", code);
  }
  ~Cursor() { mdb_cursor_close(cursor_); }
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;

  // To the first entry, or the first behind `after`. False at the end.
  bool start(const std::optional<Xid>& after) {
    if (!after) return get(MDB_FIRST);
    key = val(*after);
    if (!get(MDB_SET_RANGE)) return false;
    return xid(key) != *after || next();
  }
  bool next() { return get(MDB_NEXT); }
  bool get(MDB_cursor_op where) {
    const int code = mdb_cursor_get(cursor_, &key, &value, where);
    if (code == MDB_NOTFOUND) return false;
    if (code != 0) throw_lmdb("cannot read the store", code);
    return true;
  }
  [[nodiscard]] MDB_cursor* raw() const { return cursor_; }

  MDB_val key{};
  MDB_val value{};

 private:
  MDB_cursor* cursor_ = nullptr;
};

// Puts and drops of one bucket within one transaction. Keys that come in order are appended, which
// is several times faster than a search from the root.
class TableWriter {
 public:
  TableWriter(const LmdbEnv& env, MDB_txn* txn, Bucket bucket)
      : bucket_(bucket), cursor_(env, txn, table_of(bucket)) {}

  void put(const Xid& id, std::string_view value) {
    dropped_ = false;
    if (!last_known_) look_for_last();
    const bool append = !last_ || id > *last_;
    MDB_val key = val(id);
    MDB_val data = val(value);
    const unsigned flags = append ? static_cast<unsigned>(MDB_APPEND) : 0U;
    const int code = mdb_cursor_put(cursor_.raw(), &key, &data, flags);
    if (code != 0) throw_lmdb("cannot write to the store", code);
    if (append) last_ = id;
  }
  // Several drops cost least from the highest id down: LMDB moves what stands behind a record in its
  // page, and the one before is a step away.
  void drop(const Xid& id) {
    const bool was_behind =
        std::exchange(dropped_, true) && cursor_.get(MDB_PREV) && xid(cursor_.key) == id;
    cursor_.key = val(id);
    if (!was_behind && !cursor_.get(MDB_SET_KEY)) {
      throw StoreError("a bug: " + id.text() + " is to be dropped from the bucket " +
                       std::string{word(bucket_)} + ", but is not in it");
    }
    const int code = mdb_cursor_del(cursor_.raw(), 0);
    if (code != 0) throw_lmdb("cannot write to the store", code);
    if (last_ == id) last_known_ = false;
  }

 private:
  void look_for_last() {
    last_ = cursor_.get(MDB_LAST) ? std::optional{xid(cursor_.key)} : std::nullopt;
    last_known_ = true;
  }

  Bucket bucket_;
  Cursor cursor_;
  std::optional<Xid> last_;
  bool last_known_ = false;
  bool dropped_ = false;  // by the last call
};

void put_meta(const LmdbEnv& env, MDB_txn* txn, std::string_view name, std::uint64_t number) {
  MDB_val key = val(name);
  MDB_val value{sizeof number, &number};
  const int code = mdb_put(txn, env.table(Table::meta), &key, &value, 0);
  if (code != 0) throw_lmdb("cannot write to the store", code);
}

class LmdbView {
 public:
  explicit LmdbView(std::shared_ptr<LmdbEnv> env) : env_(std::move(env)) {}

  template <class Record, class Decode>
  Page<Record> page(Table table, const std::optional<Xid>& after, std::size_t limit,
                    Decode decode) const {
    const ReadTxn txn(*env_);
    Cursor cursor(*env_, txn.get(), table);
    Page<Record> page;
    bool there = cursor.start(after);
    for (; there && page.records.size() < limit; there = cursor.next()) {
      page.records.push_back(decode(xid(cursor.key), view(cursor.value)));
    }
    page.more = there;
    return page;
  }

  [[nodiscard]] std::vector<core::Batch> batches() const {
    return page<core::Batch>(Table::batch, std::nullopt, SIZE_MAX, decode_batch).records;
  }

  template <class Record, class Decode>
  std::optional<Record> one(Table table, const Xid& id, Decode decode) const {
    const ReadTxn txn(*env_);
    const auto value = get(txn, table, val(id));
    return value ? std::optional{decode(id, *value)} : std::nullopt;
  }

  [[nodiscard]] std::vector<std::optional<Bucket>> find_all(const std::vector<Xid>& ids) const {
    const ReadTxn txn(*env_);
    std::vector<std::optional<Bucket>> found;
    found.reserve(ids.size());
    for (const Xid& id : ids) {
      std::optional<Bucket> where;
      for (const Bucket bucket : {Bucket::report, Bucket::queue, Bucket::fail}) {
        if (!where && get(txn, table_of(bucket), val(id))) where = bucket;
      }
      found.push_back(where);
    }
    return found;
  }

  [[nodiscard]] BucketCounts counts() const {
    const ReadTxn txn(*env_);
    const auto entries = [&](Table table) {
      MDB_stat stat{};
      const int code = mdb_stat(txn.get(), env_->table(table), &stat);
      if (code != 0) throw_lmdb("cannot read the store", code);
      return std::uint64_t{stat.ms_entries};
    };
    BucketCounts counts{entries(Table::queue), 0, entries(Table::report), entries(Table::fail)};
    Cursor cursor(*env_, txn.get(), Table::batch);
    for (bool there = cursor.start({}); there; there = cursor.next()) {
      counts.batch += batch_size(xid(cursor.key), view(cursor.value));
    }
    return counts;
  }

  [[nodiscard]] std::optional<std::uint64_t> meta(const std::string& key) const {
    const ReadTxn txn(*env_);
    const auto value = get(txn, Table::meta, val(key));
    std::uint64_t number = 0;
    if (!value) return std::nullopt;
    if (value->size() != sizeof number) throw StoreError("the meta value " + key + " is corrupt");
    std::memcpy(&number, value->data(), sizeof number);
    return number;
  }

  [[nodiscard]] const LmdbEnv& env() const { return *env_; }

 private:
  [[nodiscard]] std::optional<std::string_view> get(const ReadTxn& txn, Table table,
                                                    MDB_val key) const {
    MDB_val value{};
    const int code = mdb_get(txn.get(), env_->table(table), &key, &value);
    if (code == MDB_NOTFOUND) return std::nullopt;
    if (code != 0) throw_lmdb("cannot read the store", code);
    return view(value);
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
    return view_.template page<Xid>(table_of(bucket), after, limit,
                                    [](const Xid& id, std::string_view) { return id; });
  }
  [[nodiscard]] Page<core::QueuedMsg> queue(std::optional<Xid> after,
                                            std::size_t limit) const override {
    return view_.template page<core::QueuedMsg>(Table::queue, after, limit, decode_queued);
  }
  [[nodiscard]] Page<core::ReportRecord> reports(std::optional<Xid> after,
                                                 std::size_t limit) const override {
    return view_.template page<core::ReportRecord>(Table::report, after, limit, decode_report);
  }
  [[nodiscard]] Page<core::FailRecord> fails(std::optional<Xid> after,
                                             std::size_t limit) const override {
    return view_.template page<core::FailRecord>(Table::fail, after, limit, decode_fail);
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
  [[nodiscard]] BucketCounts counts() const override { return view_.counts(); }
  [[nodiscard]] std::optional<std::uint64_t> meta(const std::string& key) const override {
    return view_.meta(key);
  }

 protected:
  LmdbView view_;
};

void refuse_other_schema(const LmdbView& view) {
  const std::uint64_t schema = view.meta(kSchemaKey).value_or(0);
  if (schema == kSchema) return;
  throw StoreError("the store " + view.env().path() + " has schema " + std::to_string(schema) +
                   ", this program reads " + std::to_string(kSchema) +
                   (schema > kSchema ? "; use a newer Pena" : ""));
}

// A change set on its way into one write transaction.
class Applying {
 public:
  Applying(const LmdbEnv& env, MDB_txn* txn, std::string& buffer)
      : env_(env),
        txn_(txn),
        buffer_(buffer),
        queue_(env, txn, Bucket::queue),
        batch_(env, txn, Bucket::batch),
        report_(env, txn, Bucket::report),
        fail_(env, txn, Bucket::fail) {}

  void operator()(const core::PutQueue& write) { put(queue_, write.msg.msg.id, write.msg); }
  void operator()(const core::DropQueue& write) { queue_.drop(write.id); }
  void operator()(const core::PutBatch& write) { put(batch_, write.batch->id, *write.batch); }
  void operator()(const core::DropBatch& write) { batch_.drop(write.id); }
  void operator()(const core::PutReport& write) { put(report_, write.record.id, write.record); }
  void operator()(const core::PutFail& write) { put(fail_, write.record.msg.id, write.record); }
  void operator()(const core::DropFail& write) { fail_.drop(write.id); }
  void operator()(const core::PutMeta& write) { put_meta(env_, txn_, write.key, write.value); }

  [[nodiscard]] std::size_t bytes() const { return bytes_; }

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
  std::size_t bytes_ = 0;  // of the records put so far
  TableWriter queue_;
  TableWriter batch_;
  TableWriter report_;
  TableWriter fail_;
};

class LmdbStore final : public Reading<Store> {
 public:
  LmdbStore(std::unique_ptr<ServerLock> lock, std::shared_ptr<LmdbEnv> env)
      : Reading<Store>(std::move(env)), lock_(std::move(lock)) {
    // Before the first write: a store of another schema is left as it is.
    const bool fresh = !view_.meta(kBootsKey);
    if (!fresh) refuse_other_schema(view_);
    const std::uint64_t boots = view_.meta(kBootsKey).value_or(0);
    WriteTxn txn(view_.env());
    if (fresh) put_meta(view_.env(), txn.get(), kSchemaKey, kSchema);
    put_meta(view_.env(), txn.get(), kBootsKey, boots + 1);
    txn.commit();
  }

  void commit(const ChangeSet& changes) override {
    WriteTxn txn(view_.env());
    room_.keep_ahead(view_.env());
    std::size_t bytes = 0;
    {
      Applying apply(view_.env(), txn.get(), buffer_);
      for (auto at = changes.begin(); at != changes.end();)
        at = apply_run(apply, at, changes.end());
      bytes = apply.bytes();
    }
    txn.commit();
    gauge_.committed(bytes);
  }

  [[nodiscard]] double fill() const override { return gauge_.read(view_.env()); }

 private:
  using At = ChangeSet::const_iterator;
  // One write, or what a grant takes from the queue: drops that follow each other, whose order is
  // theirs alone. From the last to the first, which is the cheap way round.
  static At apply_run(Applying& apply, At at, At end) {
    const At run_end = std::find_if_not(at, end, [](const core::Write& write) {
      return std::holds_alternative<core::DropQueue>(write);
    });
    if (run_end == at) {
      std::visit(apply, *at);
      return at + 1;
    }
    for (At drop = run_end; drop != at;) apply(std::get<core::DropQueue>(*--drop));
    return run_end;
  }

  std::unique_ptr<ServerLock> lock_;
  std::string buffer_;  // of encode
  FileRoom room_;
  mutable FillGauge gauge_;
};

class LmdbReadOnly final : public Reading<BucketView> {
 public:
  using Reading<BucketView>::Reading;
};

}  // namespace

std::unique_ptr<Store> open_lmdb_store(const std::string& path, std::size_t map_bytes) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) throw StoreError("cannot create the store " + path + ": " + error.message());
  // The lock first: a second server must not touch the environment of the first.
  auto lock = std::make_unique<ServerLock>(path);
  return std::make_unique<LmdbStore>(std::move(lock), LmdbEnv::open(path, map_bytes, true));
}

std::unique_ptr<BucketView> open_lmdb_view(const std::string& path) {
  auto env = LmdbEnv::open(path, 0, false);
  refuse_other_schema(LmdbView{env});
  return std::make_unique<LmdbReadOnly>(std::move(env));
}

}  // namespace pena::store
