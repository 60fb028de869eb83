#include "store/lmdb_places.hpp"

#include <algorithm>
#include <cstring>
#include <functional>

#include "store/error.hpp"
#include "store/lmdb_records.hpp"
#include "store/queue_table.hpp"

namespace pena::store {

using core::Xid;

namespace {

Page<Xid> placed_ids(const LmdbEnv& env, MDB_txn* txn, bool later, const std::optional<Xid>& after,
                     std::size_t limit) {
  Cursor cursor(env, txn, Table::place);
  Page<Xid> page;
  for (bool there = cursor.to_first_behind(after); there; there = cursor.next()) {
    if (decode_place(cursor.id(), cursor.value()).due_at.has_value() != later) continue;
    page.more = page.records.size() >= limit;
    if (page.more) break;
    page.records.push_back(cursor.id());
  }
  return page;
}

Page<Xid> default_queue_ids(const LmdbEnv& env, MDB_txn* txn, const std::optional<Xid>& after,
                            std::size_t limit) {
  Cursor cursor(env, txn, Table::queue);
  return queue_page<Xid>(cursor, after, limit, append_queued_ids, std::identity{}, SIZE_MAX,
                         [](const Xid& /*id*/) { return std::size_t{1}; });
}

// Of queue_info.
core::QueueNumber number_in_key(std::string_view key) {
  if (key.size() == sizeof(core::QueueNumber)) return number_of_key<core::QueueNumber>(key);
  throw StoreError("a key of the store, in the bucket queue_info, is corrupt: it has " +
                   std::to_string(key.size()) + " bytes, expected 4");
}

[[noreturn]] void refuse_count(core::QueueNumber queue) {
  throw StoreError("the queue " + std::to_string(queue) +
                   " is said to have more msgs reported than there are");
}

// Stores of schema 1 do not say it, and have one msg a record.
std::uint64_t queue_length_of_older(const LmdbEnv& env, MDB_txn* txn) {
  if (const auto said = number_of(env, txn, kQueuedKey)) return *said;
  const auto from = number_of(env, txn, kTakenFromKey);
  const auto schema = from ? from : number_of(env, txn, kSchemaKey);
  if (schema.value_or(kOldestSchema) == kOldestSchema) return records_of(env, txn, Table::queue);
  throw StoreError("the meta value queued is missing");
}

}  // namespace

std::string LaterKey::bytes() const {
  std::string key = key_of_number(static_cast<std::uint64_t>(core::to_us(due_at)));
  key.append(reinterpret_cast<const char*>(id.bytes().data()), Xid::kBytes);
  return key;
}

LaterKey LaterKey::of(std::string_view bytes) {
  constexpr std::size_t kDate = sizeof(std::uint64_t);
  if (bytes.size() != kDate + Xid::kBytes) {
    throw StoreError("a key of the store, in the bucket later, is corrupt: it has " +
                     std::to_string(bytes.size()) + " bytes, expected 20");
  }
  const auto date = static_cast<std::int64_t>(number_of_key<std::uint64_t>(bytes));
  Xid::Bytes id{};
  std::memcpy(id.data(), bytes.data() + kDate, id.size());
  return {core::from_us(date), Xid{id}};
}

std::string key_of_key(core::QueueNumber queue, std::string_view key) {
  return key_of_number(queue).append(key);
}

std::optional<Place> place_of(const LmdbEnv& env, MDB_txn* txn, const Xid& id) {
  const auto value = value_of(env, txn, Table::place, id);
  return value ? std::optional{decode_place(id, *value)} : std::nullopt;
}

std::optional<Xid> id_of_key(const LmdbEnv& env, MDB_txn* txn, core::QueueNumber queue,
                             std::string_view key) {
  const auto value = value_of(env, txn, Table::key, key_of_key(queue, key));
  return value ? std::optional{decode_key(key, *value)} : std::nullopt;
}

std::optional<core::QueuedMsg> waiting_msg(const LmdbEnv& env, MDB_txn* txn, const Xid& id) {
  const std::optional<Place> place = place_of(env, txn, id);
  if (place && place->due_at) {
    const auto value = value_of(env, txn, Table::later, LaterKey{*place->due_at, id}.bytes());
    return value ? std::optional{decode_later(id, *value)} : std::nullopt;
  }
  Cursor cursor(env, txn, place ? place->queue : core::kDefaultQueue);
  if (!QueuedIds(cursor).contains(id)) return std::nullopt;
  return read_queued(cursor, {id}, SIZE_MAX).front();
}

std::optional<AnyRecord> any_record(const LmdbEnv& env, MDB_txn* txn, const Xid& id) {
  if (const auto value = value_of(env, txn, Table::report, id)) return decode_report(id, *value);
  if (const auto value = value_of(env, txn, Table::fail, id)) return decode_fail(id, *value);
  auto msg = waiting_msg(env, txn, id);
  if (!msg) return std::nullopt;
  const auto place = place_of(env, txn, id);
  return core::WaitingMsg{*std::move(msg), place && place->due_at};
}

Page<Xid> waiting_ids(const LmdbEnv& env, MDB_txn* txn, Bucket bucket,
                      const std::optional<Xid>& after, std::size_t limit) {
  if (bucket == Bucket::later) return placed_ids(env, txn, true, after, limit);
  Page<Xid> page = default_queue_ids(env, txn, after, limit);
  if (records_of(env, txn, Table::place) == 0) return page;
  const Page<Xid> others = placed_ids(env, txn, false, after, limit);
  const auto own = static_cast<std::ptrdiff_t>(page.records.size());
  page.records.insert(page.records.end(), others.records.begin(), others.records.end());
  std::ranges::inplace_merge(page.records, page.records.begin() + own);
  page.more = page.more || others.more || page.records.size() > limit;
  page.records.resize(std::min(limit, page.records.size()));
  return page;
}

std::vector<QueueInfo> queue_infos(const LmdbEnv& env, MDB_txn* txn) {
  if (!is_whole(env, txn)) {
    return {{core::kDefaultQueue, "", false, queue_length_of_older(env, txn), 0,
             records_of(env, txn, Table::report), records_of(env, txn, Table::fail)}};
  }
  std::vector<QueueInfo> infos(1);
  std::uint64_t left = records_of(env, txn, Table::report);
  KeyCursor cursor(env, txn, Table::queue_info);
  for (bool there = cursor.first(); there; there = cursor.next()) {
    QueueInfo info = decode_queue_info(number_in_key(cursor.key()), cursor.value());
    if (!says_reported(info.number)) info.reported = 0;
    if (info.reported > left) refuse_count(info.number);
    left -= info.reported;
    if (info.number == core::kDefaultQueue) {
      infos.front() = std::move(info);
    } else {
      infos.push_back(std::move(info));
    }
  }
  infos.front().reported = left;
  return infos;
}

std::string queue_name(const LmdbEnv& env, MDB_txn* txn, core::QueueNumber queue) {
  const auto value = value_of(env, txn, Table::queue_info, key_of_number(queue));
  return value ? decode_queue_info(queue, *value).name : std::string{};
}

// Only what has the name in it is decoded, so that many queues cost little.
std::optional<core::QueueNumber> find_queue(const LmdbEnv& env, MDB_txn* txn,
                                            std::string_view name) {
  KeyCursor cursor(env, txn, Table::queue_info);
  for (bool there = !name.empty() && cursor.first(); there; there = cursor.next()) {
    if (cursor.value().find(name) == std::string_view::npos) continue;
    const auto number = number_in_key(cursor.key());
    if (decode_queue_info(number, cursor.value()).name == name) return number;
  }
  return std::nullopt;
}

bool is_whole(const LmdbEnv& env, MDB_txn* txn) {
  const bool ordered = is_ordered(number_of(env, txn, kSchemaKey).value_or(0));
  return ordered && !number_of(env, txn, kTakenFromKey);
}

void refuse_unordered(const LmdbEnv& env, MDB_txn* txn) {
  if (is_whole(env, txn)) return;
  throw StoreError("the store " + env.path() +
                   " is of an older schema, which does not say in which order msgs were settled; "
                   "start a server on it, which takes it over");
}

}  // namespace pena::store
