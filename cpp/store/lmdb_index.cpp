#include "store/lmdb_index.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <string_view>
#include <utility>

#include "store/error.hpp"
#include "store/format.hpp"
#include "store/held_ids.hpp"
#include "store/lmdb_cursor.hpp"
#include "store/lmdb_records.hpp"
#include "store/queue_table.hpp"

namespace pena::store {
namespace {

using core::Xid;

void append_queued_ids(const Xid& key, std::string_view value, std::vector<Xid>& out) {
  std::vector<QueuedSlice> slices;
  slice_queued(key, value, slices);
  for (const QueuedSlice& slice : slices) out.push_back(slice.id);
}

Page<Xid> queue_ids(const LmdbEnv& env, const std::optional<Xid>& after, std::size_t limit) {
  const ReadTxn txn(env);
  Cursor cursor(env, txn.get(), Table::queue);
  return queue_page<Xid>(cursor, after, limit, append_queued_ids, std::identity{}, SIZE_MAX,
                         [](const Xid& /*id*/) { return std::size_t{1}; });
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

// The highest id of the queue up to `id`. It may be amid the record that `id` falls into.
std::optional<Xid> last_queued_up_to(const LmdbEnv& env, MDB_txn* txn, const Xid& id) {
  Cursor cursor(env, txn, Table::queue);
  if (!cursor.to_last_up_to(id)) return std::nullopt;
  std::vector<Xid> ids;
  append_queued_ids(cursor.id(), cursor.value(), ids);
  return *std::prev(std::ranges::upper_bound(ids, id));  // the record's key is the first
}

}  // namespace

Page<core::QueuedMsg> LmdbIndex::queue(const std::optional<Xid>& after, std::size_t limit,
                                       std::size_t bytes) const {
  const ReadTxn txn(*env_);
  Cursor cursor(*env_, txn.get(), Table::queue);
  return queue_page<core::QueuedMsg>(
      cursor, after, limit, decode_queued,
      [](const core::QueuedMsg& queued) { return queued.msg.id; }, bytes,
      [](const core::QueuedMsg& queued) { return queued.memory_bytes(); });
}

std::vector<core::QueuedMsg> LmdbIndex::queued(const std::vector<Xid>& ids,
                                               std::size_t bytes) const {
  const ReadTxn txn(*env_);
  Cursor cursor(*env_, txn.get(), Table::queue);
  return read_queued(cursor, ids, bytes);
}

std::uint64_t LmdbIndex::queue_length() const {
  return queue_length_of(*env_, ReadTxn(*env_).get());
}

// In the order of the ids, whatever order they are asked in: a record of the queue is read once,
// and neighbours lie on the same pages.
std::vector<std::optional<Bucket>> LmdbIndex::find_all(const std::vector<Xid>& ids) const {
  const ReadTxn txn(*env_);
  Cursor cursor(*env_, txn.get(), Table::queue);
  QueuedIds queued(cursor);
  std::vector<std::optional<Bucket>> found(ids.size());
  for (const std::size_t at : order_of(ids)) {
    const Xid& id = ids[at];
    if (value_of(*env_, txn.get(), Table::report, id)) {
      found[at] = Bucket::report;
    } else if (queued.contains(id)) {
      found[at] = Bucket::queue;
    } else if (value_of(*env_, txn.get(), Table::fail, id)) {
      found[at] = Bucket::fail;
    }
  }
  return found;
}

std::vector<core::Batch> LmdbIndex::batches() const {
  return read_page<core::Batch>(*env_, Table::batch, std::nullopt, SIZE_MAX, decode_batch).records;
}

std::optional<std::uint64_t> LmdbIndex::meta(const std::string& key) const {
  return number_of(*env_, ReadTxn(*env_).get(), key);
}

Page<Xid> LmdbIndex::ids(Bucket bucket, const std::optional<Xid>& after, std::size_t limit) const {
  if (bucket == Bucket::batch) return held_ids(batches(), after, limit);
  if (bucket == Bucket::queue) return queue_ids(*env_, after, limit);
  const Table table = bucket == Bucket::report ? Table::report : Table::fail;
  return read_page<Xid>(*env_, table, after, limit,
                        [](const Xid& id, std::string_view /*value*/) { return id; });
}

std::optional<Xid> LmdbIndex::last_up_to(const Xid& id) const {
  const ReadTxn txn(*env_);
  std::optional<Xid> last = last_queued_up_to(*env_, txn.get(), id);
  for (const Table table : {Table::report, Table::fail}) {
    Cursor cursor(*env_, txn.get(), table);
    if (cursor.to_last_up_to(id)) last = std::max(cursor.id(), last.value_or(cursor.id()));
  }
  return last;
}

// Stores of schema 1 do not say it, and have one msg a record.
std::uint64_t queue_length_of(const LmdbEnv& env, MDB_txn* txn) {
  if (const auto said = number_of(env, txn, kQueuedKey)) return *said;
  if (number_of(env, txn, kSchemaKey).value_or(kOldestSchema) == kOldestSchema) {
    return records_of(env, txn, Table::queue);
  }
  throw StoreError("the meta value queued is missing");
}

void refuse_other_schema(const LmdbIndex& index) {
  const std::uint64_t schema = index.meta(kSchemaKey).value_or(0);
  if (schema >= kOldestSchema && schema <= kSchema) return;
  throw StoreError("the store " + index.env().path() + " has schema " + std::to_string(schema) +
                   ", this program reads " + std::to_string(kOldestSchema) + " to " +
                   std::to_string(kSchema) + (schema > kSchema ? "; use a newer Pena" : ""));
}

}  // namespace pena::store
