#include "store/lmdb_cursor.hpp"

#include <cstring>
#include <string>

#include "store/error.hpp"

namespace pena::store {

using core::Xid;

MDB_val to_val(const Xid& id) {
  return {Xid::kBytes, const_cast<std::uint8_t*>(id.bytes().data())};
}

MDB_val to_val(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};
}

std::string_view to_view(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

Cursor::Cursor(const LmdbEnv& env, MDB_txn* txn, Table table) : table_(table) {
  const int code = mdb_cursor_open(txn, env.table(table), &cursor_);
  if (code != 0) throw_lmdb("cannot read the store", code);
}

Cursor::~Cursor() {
  mdb_cursor_close(cursor_);
}

bool Cursor::to(const Xid& id) {
  key_ = to_val(id);
  return get(MDB_SET_KEY);
}

bool Cursor::to_first_behind(const std::optional<Xid>& after) {
  if (!after) return first();
  key_ = to_val(*after);
  if (!get(MDB_SET_RANGE)) return false;
  const bool there = id() != *after || next();
  if (there && id() <= *after) refuse_order();
  return there;
}

bool Cursor::to_last_up_to(const Xid& id) {
  key_ = to_val(id);
  const bool there = get(MDB_SET_RANGE) ? this->id() == id || previous() : last();
  if (there && this->id() > id) refuse_order();
  return there;
}

// Whoever writes relies on the order of the keys, and would write what makes no sense.
void Cursor::refuse_order() const {
  throw StoreError("the record " + id().text() + " in the bucket " + name_of(table_) +
                   " is out of order; the store is damaged; `pena check` names its damaged pages");
}

Xid Cursor::id() const {
  Xid::Bytes bytes{};
  if (key_.mv_size != bytes.size()) {
    throw StoreError(std::string{"a key of the store, in the bucket "} + name_of(table_) +
                     ", is corrupt: it has " + std::to_string(key_.mv_size) +
                     " bytes, expected 12");
  }
  std::memcpy(bytes.data(), key_.mv_data, bytes.size());
  return Xid{bytes};
}

void Cursor::put(const Xid& id, std::string_view value, bool behind_all) {
  MDB_val key = to_val(id);
  MDB_val data = to_val(value);
  const unsigned flags = behind_all ? static_cast<unsigned>(MDB_APPEND) : 0U;
  const int code = mdb_cursor_put(cursor_, &key, &data, flags);
  if (code != 0) throw_lmdb("cannot write to the store", code);
}

bool Cursor::put_new(const Xid& id, std::string_view value, bool behind_all) {
  MDB_val key = to_val(id);
  MDB_val data = to_val(value);
  const unsigned flags = behind_all ? static_cast<unsigned>(MDB_APPEND) : MDB_NOOVERWRITE;
  const int code = mdb_cursor_put(cursor_, &key, &data, flags);
  if (code != 0 && code != MDB_KEYEXIST) throw_lmdb("cannot write to the store", code);
  return code == 0;
}

void Cursor::drop() {
  const int code = mdb_cursor_del(cursor_, 0);
  if (code != 0) throw_lmdb("cannot write to the store", code);
}

bool Cursor::get(MDB_cursor_op where) {
  const int code = mdb_cursor_get(cursor_, &key_, &value_, where);
  if (code == MDB_NOTFOUND) return false;
  if (code != 0) throw_lmdb("cannot read the store", code);
  return true;
}

}  // namespace pena::store
