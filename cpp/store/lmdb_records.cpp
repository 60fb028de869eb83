#include "store/lmdb_records.hpp"

#include <lmdb.h>

#include <cstring>
#include <string>

#include "store/error.hpp"

namespace pena::store {
namespace {

std::optional<std::string_view> get(MDB_txn* txn, unsigned table, MDB_val key) {
  MDB_val value{};
  const int code = mdb_get(txn, table, &key, &value);
  if (code == MDB_NOTFOUND) return std::nullopt;
  if (code != 0) throw_lmdb("cannot read the store", code);
  return to_view(value);
}

void put(MDB_txn* txn, unsigned table, MDB_val key, MDB_val value) {
  const int code = mdb_put(txn, table, &key, &value, 0);
  if (code != 0) throw_lmdb("cannot write to the store", code);
}

std::optional<std::string_view> find_value(const LmdbEnv& env, MDB_txn* txn, Table table,
                                           MDB_val key) {
  return env.has(table) ? get(txn, env.table(table), key) : std::nullopt;
}

}  // namespace

std::optional<std::string_view> value_of(const LmdbEnv& env, MDB_txn* txn, Table table,
                                         const core::Xid& id) {
  return find_value(env, txn, table, to_val(id));
}

std::optional<std::string_view> value_of(const LmdbEnv& env, MDB_txn* txn, Table table,
                                         std::string_view key) {
  return find_value(env, txn, table, to_val(key));
}

std::optional<std::string_view> value_beside(const LmdbEnv& env, MDB_txn* txn,
                                             std::string_view name) {
  return get(txn, env.main_database(), to_val(name));
}

void put_beside(const LmdbEnv& env, MDB_txn* txn, std::string_view name, std::string_view value) {
  put(txn, env.main_database(), to_val(name), to_val(value));
}

void each_beside(const LmdbEnv& env, MDB_txn* txn,
                 const std::function<void(std::string_view name)>& tell) {
  MDB_cursor* cursor = nullptr;
  int code = mdb_cursor_open(txn, env.main_database(), &cursor);
  if (code != 0) throw_lmdb("cannot read the store", code);
  MDB_val key{};
  MDB_val value{};
  while ((code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) tell(to_view(key));
  mdb_cursor_close(cursor);
  if (code != MDB_NOTFOUND) throw_lmdb("cannot read the store", code);
}

std::uint64_t records_of(const LmdbEnv& env, MDB_txn* txn, Table table) {
  if (!env.has(table)) return 0;
  MDB_stat stat{};
  const int code = mdb_stat(txn, env.table(table), &stat);
  if (code != 0) throw_lmdb("cannot read the store", code);
  return stat.ms_entries;
}

std::optional<std::uint64_t> number_of(const LmdbEnv& env, MDB_txn* txn, std::string_view name) {
  const auto value = find_value(env, txn, Table::meta, to_val(name));
  std::uint64_t number = 0;
  if (!value) return std::nullopt;
  if (value->size() != sizeof number) {
    throw StoreError("the meta value " + std::string{name} + " is corrupt");
  }
  std::memcpy(&number, value->data(), sizeof number);
  return number;
}

void put_number(const LmdbEnv& env, MDB_txn* txn, std::string_view name, std::uint64_t number) {
  put(txn, env.table(Table::meta), to_val(name), {sizeof number, &number});
}

void drop_number(const LmdbEnv& env, MDB_txn* txn, std::string_view name) {
  MDB_val key = to_val(name);
  const int code = mdb_del(txn, env.table(Table::meta), &key, nullptr);
  if (code != 0 && code != MDB_NOTFOUND) throw_lmdb("cannot write to the store", code);
}

}  // namespace pena::store
