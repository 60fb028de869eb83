// Cursors over a table of the store: over any keys, and over ids.
#pragma once

#include <lmdb.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/msg.hpp"
#include "core/xid.hpp"
#include "store/lmdb_env.hpp"

namespace pena::store {

[[nodiscard]] MDB_val to_val(const core::Xid& id);
[[nodiscard]] MDB_val to_val(std::string_view text);
[[nodiscard]] std::string_view to_view(const MDB_val& value);

// A number as keys have it.
template <class Number>
[[nodiscard]] std::string key_of_number(Number number) {
  std::string key(sizeof number, '\0');
  for (std::size_t i = sizeof number; i > 0; --i) {
    key[i - 1] = static_cast<char>(number & 0xffU);
    number = static_cast<Number>(number >> 8U);
  }
  return key;
}
template <class Number>
[[nodiscard]] Number number_of_key(std::string_view key) {
  Number number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i) {
    number = static_cast<Number>(number << 8U | static_cast<unsigned char>(key[i]));
  }
  return number;
}

// Within a transaction, which must end later. Moves that return a bool give false where there is
// no such record. What `key` and `value` return holds until the next write. A table that is not there yet,
// for an older program made the store, is an empty one. Errors: StoreError.
class KeyCursor {
 public:
  // LMDB's own is opened at the first use: a change set uses few of the tables that it could.
  KeyCursor(const LmdbEnv& env, MDB_txn* txn, Table table) : env_(env), txn_(txn), table_(table) {}
  ~KeyCursor();
  KeyCursor(const KeyCursor&) = delete;
  KeyCursor& operator=(const KeyCursor&) = delete;

  bool first() { return get(MDB_FIRST); }
  bool last() { return get(MDB_LAST); }
  bool next() { return get(MDB_NEXT); }
  bool previous() { return get(MDB_PREV); }
  bool to(std::string_view key);
  bool to_first_from(std::string_view key);  // that key, or the next

  [[nodiscard]] std::string_view key() const { return to_view(key_); }
  [[nodiscard]] std::string_view value() const { return to_view(value_); }

  enum class Put { replace, fresh, behind_all };
  // False, and nothing is changed, where the key is there already and must not be. `behind_all`: the
  // caller knows that no key is higher. That spares the search among the keys, and fills pages to the
  // brim.
  [[nodiscard]] bool put(std::string_view key, std::string_view value, Put how);
  void drop();  // where it stands; the next move is relative to the gap

 private:
  bool open();
  bool get(MDB_cursor_op where);

  const LmdbEnv& env_;
  MDB_txn* txn_;
  Table table_;
  MDB_cursor* cursor_ = nullptr;
  MDB_val key_{};
  MDB_val value_{};
};

// Over ids, of a whole table or of one queue of `queues`. As above.
class Cursor {
 public:
  Cursor(const LmdbEnv& env, MDB_txn* txn, Table table) : table_(table), cursor_(env, txn, table) {}
  // Of one queue: of Table::queue or Table::queues, and never in another.
  Cursor(const LmdbEnv& env, MDB_txn* txn, core::QueueNumber queue);

  bool first() { return queue_ ? within(to_key(core::Xid{})) : cursor_.first(); }
  bool last();
  bool next() { return within(cursor_.next()); }
  bool previous() { return within(cursor_.previous()); }
  bool to(const core::Xid& id) { return cursor_.to(key_of(id)); }
  bool to_first_behind(const std::optional<core::Xid>& after);  // none: the first of all
  bool to_last_up_to(const core::Xid& id);

  [[nodiscard]] core::Xid id() const;
  [[nodiscard]] std::string_view value() const { return cursor_.value(); }

  // `behind_all`: the caller knows that no id is higher.
  void put(const core::Xid& id, std::string_view value, bool behind_all = false);
  // False, and nothing is changed, where the id is there already.
  [[nodiscard]] bool put_new(const core::Xid& id, std::string_view value, bool behind_all = false);
  void drop() { cursor_.drop(); }  // where it stands; the next move is relative to the gap

 private:
  static constexpr std::size_t kPrefix = sizeof(core::QueueNumber);

  [[nodiscard]] std::string_view key_of(const core::Xid& id);
  bool to_key(const core::Xid& id) { return cursor_.to_first_from(key_of(id)); }
  [[nodiscard]] bool within(bool there) const;
  [[noreturn]] void refuse_order() const;

  Table table_;
  std::optional<core::QueueNumber> queue_;
  KeyCursor cursor_;
  std::array<char, kPrefix + core::Xid::kBytes> key_{};
};

}  // namespace pena::store
