// Single records of a bucket, pages of them, and the numbers of `meta`: within a transaction, by its
// thread. Errors: StoreError.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "core/xid.hpp"
#include "store/lmdb_cursor.hpp"
#include "store/lmdb_env.hpp"
#include "store/records.hpp"

namespace pena::store {

// The numbers of `meta` that are the store's own. The others are the caller's.
inline constexpr const char* kSchemaKey = "schema";
inline constexpr const char* kBootsKey = "boots";
inline constexpr const char* kQueuedKey = "queued";  // msgs that wait, in stores of schema 2
// The schema of the store that is being taken over (store/takeover.hpp).
inline constexpr const char* kTakenFromKey = "taken_from";

// It is there until the transaction ends or writes.
[[nodiscard]] std::optional<std::string_view> value_of(const LmdbEnv& env, MDB_txn* txn,
                                                       Table table, const core::Xid& id);
[[nodiscard]] std::optional<std::string_view> value_of(const LmdbEnv& env, MDB_txn* txn,
                                                       Table table, std::string_view key);
// What stands beside the tables, in LMDB's main database. Each commit that changes a table writes that table's
// entry there: so what it changes beside it costs no page. `name`: of no table, whose entries are LMDB's own to
// write (lmdb.h, mdb_dbi_open).
[[nodiscard]] std::optional<std::string_view> value_beside(const LmdbEnv& env, MDB_txn* txn,
                                                           std::string_view name);
void put_beside(const LmdbEnv& env, MDB_txn* txn, std::string_view name, std::string_view value);
// The names of all that is in it, the tables' among them.
void each_beside(const LmdbEnv& env, MDB_txn* txn,
                 const std::function<void(std::string_view name)>& tell);
// How many records a bucket has: it costs no walk.
[[nodiscard]] std::uint64_t records_of(const LmdbEnv& env, MDB_txn* txn, Table table);

[[nodiscard]] std::optional<std::uint64_t> number_of(const LmdbEnv& env, MDB_txn* txn,
                                                     std::string_view name);
void put_number(const LmdbEnv& env, MDB_txn* txn, std::string_view name, std::uint64_t number);
void drop_number(const LmdbEnv& env, MDB_txn* txn, std::string_view name);  // also where it is not

// In one transaction of its own. `decode`: makes a record of an id and a value.
template <class Record, class Decode>
Page<Record> read_page(const LmdbEnv& env, Table table, const std::optional<core::Xid>& after,
                       Most most, Decode decode) {
  const ReadTxn txn(env);
  Cursor cursor(env, txn.get(), table);
  Page<Record> page;
  bool there = cursor.to_first_behind(after);
  std::size_t bytes = 0;
  for (; there && page.records.size() < most.records && bytes < most.bytes; there = cursor.next()) {
    const std::string_view value = cursor.value();
    bytes += value.size();
    page.records.push_back(decode(cursor.id(), value));
  }
  page.more = there;
  return page;
}

}  // namespace pena::store
