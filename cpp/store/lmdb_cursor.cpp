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

KeyCursor::~KeyCursor() {
  if (cursor_ != nullptr) mdb_cursor_close(cursor_);
}

bool KeyCursor::to(std::string_view key) {
  key_ = to_val(key);
  return get(MDB_SET_KEY);
}

bool KeyCursor::to_first_from(std::string_view key) {
  key_ = to_val(key);
  return get(MDB_SET_RANGE);
}

bool KeyCursor::put(std::string_view key, std::string_view value, Put how) {
  MDB_val mdb_key = to_val(key);
  MDB_val data = to_val(value);
  const unsigned flags = how == Put::behind_all ? static_cast<unsigned>(MDB_APPEND)
                         : how == Put::fresh    ? static_cast<unsigned>(MDB_NOOVERWRITE)
                                                : 0U;
  const int code = open() ? mdb_cursor_put(cursor_, &mdb_key, &data, flags) : MDB_NOTFOUND;
  if (code == MDB_KEYEXIST && how != Put::replace) return false;
  if (code != 0) throw_lmdb("cannot write to the store", code);
  return true;
}

void KeyCursor::drop() {
  const int code = mdb_cursor_del(cursor_, 0);
  if (code != 0) throw_lmdb("cannot write to the store", code);
}

// False where there is no such table.
bool KeyCursor::open() {
  if (cursor_ != nullptr) return true;
  if (!env_.has(table_)) return false;
  const int code = mdb_cursor_open(txn_, env_.table(table_), &cursor_);
  if (code != 0) throw_lmdb("cannot read the store", code);
  return true;
}

bool KeyCursor::get(MDB_cursor_op where) {
  const int code = open() ? mdb_cursor_get(cursor_, &key_, &value_, where) : MDB_NOTFOUND;
  if (code == MDB_NOTFOUND) return false;
  if (code != 0) throw_lmdb("cannot read the store", code);
  return true;
}

Cursor::Cursor(const LmdbEnv& env, MDB_txn* txn, core::QueueNumber queue)
    : table_(queue == core::kDefaultQueue ? Table::queue : Table::queues),
      cursor_(env, txn, table_) {
  if (queue == core::kDefaultQueue) return;
  queue_ = queue;
  std::memcpy(key_.data(), key_of_number(queue).data(), kPrefix);
}

// Of the table, the one before the first of the next queue.
bool Cursor::last() {
  if (!queue_) return cursor_.last();
  const bool is_last_of_all = *queue_ == UINT32_MAX;
  const bool another =
      !is_last_of_all && cursor_.to_first_from(key_of_number<core::QueueNumber>(*queue_ + 1));
  return within(another ? cursor_.previous() : cursor_.last());
}

bool Cursor::to_first_behind(const std::optional<Xid>& after) {
  if (!after) return first();
  if (!within(to_key(*after))) return false;
  const bool there = id() != *after || next();
  if (there && id() <= *after) refuse_order();
  return there;
}

bool Cursor::to_last_up_to(const Xid& id) {
  const bool there = within(to_key(id)) ? this->id() == id || previous() : last();
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
  const std::size_t prefix = queue_ ? kPrefix : 0;
  const std::string_view key = cursor_.key();
  if (key.size() != prefix + bytes.size()) {
    throw StoreError(std::string{"a key of the store, in the bucket "} + name_of(table_) +
                     ", is corrupt: it has " + std::to_string(key.size()) + " bytes, expected " +
                     std::to_string(prefix + bytes.size()));
  }
  std::memcpy(bytes.data(), key.data() + prefix, bytes.size());
  return Xid{bytes};
}

void Cursor::put(const Xid& id, std::string_view value, bool behind_all) {
  const bool append = behind_all && !queue_;
  if (cursor_.put(key_of(id), value, append ? KeyCursor::Put::behind_all : KeyCursor::Put::replace))
    return;
  throw_lmdb("cannot write to the store", MDB_KEYEXIST);
}

bool Cursor::put_new(const Xid& id, std::string_view value, bool behind_all) {
  return cursor_.put(key_of(id), value,
                     behind_all && !queue_ ? KeyCursor::Put::behind_all : KeyCursor::Put::fresh);
}

std::string_view Cursor::key_of(const Xid& id) {
  std::memcpy(key_.data() + kPrefix, id.bytes().data(), Xid::kBytes);
  const std::string_view whole{key_.data(), key_.size()};
  return queue_ ? whole : whole.substr(kPrefix);
}

bool Cursor::within(bool there) const {
  return there &&
         (!queue_ || cursor_.key().substr(0, kPrefix) == std::string_view{key_.data(), kPrefix});
}

}  // namespace pena::store
