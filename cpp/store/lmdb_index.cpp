#include "store/lmdb_index.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <string_view>
#include <utility>

#include "store/error.hpp"
#include "store/format.hpp"
#include "store/held_ids.hpp"
#include "store/lmdb_cursor.hpp"
#include "store/lmdb_places.hpp"
#include "store/lmdb_records.hpp"
#include "store/queue_registry.hpp"
#include "store/queue_table.hpp"

namespace pena::store {
namespace {

using core::Xid;

// The places of those in the order of their ids.
template <class Item, class IdOf = std::identity>
std::vector<std::size_t> order_of(const std::vector<Item>& items, IdOf id_of = {}) {
  std::vector<std::size_t> order(items.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto id_at = [&](std::size_t at) -> const Xid& {
    return std::invoke(id_of, items[at]);
  };
  if (!std::ranges::is_sorted(items, {}, id_of)) std::ranges::sort(order, {}, id_at);
  return order;
}

// What msgs say, within one transaction. Asked in the order of the ids it reads a record of a queue once.
class Contents {
 public:
  Contents(const LmdbEnv& env, MDB_txn* txn)
      : env_(env), txn_(txn), elsewhere_(records_of(env, txn, Table::place) > 0) {}

  std::optional<core::Content> of(const Xid& id, Bucket bucket) {
    if (bucket == Bucket::report) {
      const auto value = value_of(env_, txn_, Table::report, id);
      return value ? std::optional{content_of(decode_report(id, *value))} : std::nullopt;
    }
    if (bucket == Bucket::fail) {
      const auto value = value_of(env_, txn_, Table::fail, id);
      return value ? std::optional{content_of(decode_fail(id, *value).msg)} : std::nullopt;
    }
    const auto place = elsewhere_ ? place_of(env_, txn_, id) : std::nullopt;
    if (place && place->due_at) {
      const auto msg = waiting_msg(env_, txn_, id);
      return msg ? std::optional{content_of(msg->msg)} : std::nullopt;
    }
    const auto* const msg = queue(place ? place->queue : core::kDefaultQueue).msgs.find(id);
    return msg != nullptr ? std::optional{content_of(msg->msg)} : std::nullopt;
  }

 private:
  struct Queue {
    Queue(const LmdbEnv& env, MDB_txn* txn, core::QueueNumber number) : cursor(env, txn, number) {}
    Cursor cursor;
    QueuedMsgs msgs{cursor};
  };
  Queue& queue(core::QueueNumber number) {
    return queues_.try_emplace(number, env_, txn_, number).first->second;
  }

  const LmdbEnv& env_;
  MDB_txn* txn_;
  bool elsewhere_;
  std::map<core::QueueNumber, Queue> queues_;
};

// The highest id of the queue up to `id`. It may be amid the record that `id` falls into.
std::optional<Xid> last_queued_up_to(const LmdbEnv& env, MDB_txn* txn, const Xid& id) {
  Cursor cursor(env, txn, Table::queue);
  if (!cursor.to_last_up_to(id)) return std::nullopt;
  std::vector<Xid> ids;
  append_queued_ids(cursor.id(), cursor.value(), ids);
  return *std::prev(std::ranges::upper_bound(ids, id));  // the record's key is the first
}

}  // namespace

Page<core::QueuedMsg> LmdbIndex::queue(core::QueueNumber queue, const std::optional<Xid>& after,
                                       std::size_t limit, std::size_t bytes) const {
  const ReadTxn txn(*env_);
  Cursor cursor(*env_, txn.get(), queue);
  return queue_page<core::QueuedMsg>(
      cursor, after, limit, decode_queued,
      [](const core::QueuedMsg& queued) { return queued.msg.id; }, bytes,
      [](const core::QueuedMsg& queued) { return queued.memory_bytes(); });
}

std::vector<core::QueuedMsg> LmdbIndex::queued(core::QueueNumber queue, const std::vector<Xid>& ids,
                                               std::size_t bytes) const {
  const ReadTxn txn(*env_);
  Cursor cursor(*env_, txn.get(), queue);
  return read_queued(cursor, ids, bytes);
}

std::optional<core::Instant> LmdbIndex::next_due() const {
  const ReadTxn txn(*env_);
  KeyCursor cursor(*env_, txn.get(), Table::later);
  return cursor.first() ? std::optional{LaterKey::of(cursor.key()).due_at} : std::nullopt;
}

std::vector<std::optional<Xid>> LmdbIndex::find_keys(const std::vector<Index::Key>& keys) const {
  const ReadTxn txn(*env_);
  std::vector<std::optional<Xid>> found;
  found.reserve(keys.size());
  for (const auto& [queue, key] : keys) found.push_back(id_of_key(*env_, txn.get(), queue, key));
  return found;
}

std::vector<QueueInfo> LmdbIndex::queues() const {
  std::vector<QueueInfo> infos = all_queues();
  std::erase_if(infos, std::not_fn(is_worth_telling));
  return infos;
}

std::vector<QueueInfo> LmdbIndex::all_queues() const {
  return queue_infos(*env_, ReadTxn(*env_).get());
}

// In the order of the ids, whatever order they are asked in: a record of the queue is read once,
// and neighbours lie on the same pages.
std::vector<std::optional<Bucket>> LmdbIndex::find_all(const std::vector<Xid>& ids) const {
  const ReadTxn txn(*env_);
  Cursor cursor(*env_, txn.get(), core::kDefaultQueue);
  QueuedIds queued(cursor);
  const bool elsewhere = records_of(*env_, txn.get(), Table::place) > 0;
  const auto place = [&](const Xid& id) {
    return elsewhere ? place_of(*env_, txn.get(), id) : std::nullopt;
  };
  std::vector<std::optional<Bucket>> found(ids.size());
  for (const std::size_t at : order_of(ids)) {
    const Xid& id = ids[at];
    if (value_of(*env_, txn.get(), Table::report, id)) {
      found[at] = Bucket::report;
    } else if (queued.contains(id)) {
      found[at] = Bucket::queue;
    } else if (const auto waits = place(id)) {
      found[at] = waits->due_at ? Bucket::later : Bucket::queue;
    } else if (value_of(*env_, txn.get(), Table::fail, id)) {
      found[at] = Bucket::fail;
    }
  }
  return found;
}

std::vector<std::optional<core::Content>> LmdbIndex::contents(
    const std::vector<Index::Found>& msgs) const {
  const ReadTxn txn(*env_);
  Contents contents(*env_, txn.get());
  std::vector<std::optional<core::Content>> found(msgs.size());
  for (const std::size_t at : order_of(msgs, &Index::Found::id)) {
    found[at] = contents.of(msgs[at].id, msgs[at].bucket);
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
  if (bucket == Bucket::queue || bucket == Bucket::later) {
    return waiting_ids(*env_, ReadTxn(*env_).get(), bucket, after, limit);
  }
  const Table table = bucket == Bucket::report ? Table::report : Table::fail;
  return read_page<Xid>(*env_, table, after, limit,
                        [](const Xid& id, std::string_view /*value*/) { return id; });
}

std::optional<Xid> LmdbIndex::last_up_to(const Xid& id) const {
  const ReadTxn txn(*env_);
  std::optional<Xid> last = last_queued_up_to(*env_, txn.get(), id);
  for (const Table table : {Table::place, Table::report, Table::fail}) {
    Cursor cursor(*env_, txn.get(), table);
    if (cursor.to_last_up_to(id)) last = std::max(cursor.id(), last.value_or(cursor.id()));
  }
  return last;
}

void refuse_other_schema(const LmdbIndex& index) {
  const std::uint64_t schema = index.meta(kSchemaKey).value_or(0);
  if (schema >= kOldestSchema && schema <= kSchema) return;
  throw StoreError("the store " + index.env().path() + " has schema " + std::to_string(schema) +
                   ", this program reads " + std::to_string(kOldestSchema) + " to " +
                   std::to_string(kSchema) + (schema > kSchema ? "; use a newer Pena" : ""));
}

}  // namespace pena::store
