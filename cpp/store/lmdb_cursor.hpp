// A cursor over one bucket of the store, whose keys are ids.
#pragma once

#include <lmdb.h>

#include <optional>
#include <string_view>

#include "core/xid.hpp"
#include "store/lmdb_env.hpp"

namespace pena::store {

[[nodiscard]] MDB_val to_val(const core::Xid& id);
[[nodiscard]] MDB_val to_val(std::string_view text);
[[nodiscard]] std::string_view to_view(const MDB_val& value);

// Within a transaction, which must end later. Moves that return a bool give false where there is
// no such record. What `id` and `value` return holds until the next write. Errors: StoreError.
class Cursor {
 public:
  Cursor(const LmdbEnv& env, MDB_txn* txn, Table table);
  ~Cursor();
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;

  bool first() { return get(MDB_FIRST); }
  bool last() { return get(MDB_LAST); }
  bool next() { return get(MDB_NEXT); }
  bool previous() { return get(MDB_PREV); }
  bool to(const core::Xid& id);
  bool to_first_behind(const std::optional<core::Xid>& after);  // none: the first of all
  bool to_last_up_to(const core::Xid& id);

  [[nodiscard]] core::Xid id() const;
  [[nodiscard]] std::string_view value() const { return to_view(value_); }

  // `behind_all`: the caller knows that no key is higher. That spares the search among the keys, and
  // fills pages to the brim.
  void put(const core::Xid& id, std::string_view value, bool behind_all = false);
  // False, and nothing is changed, where the key is there already.
  [[nodiscard]] bool put_new(const core::Xid& id, std::string_view value, bool behind_all = false);
  void drop();  // where it stands; the next move is relative to the gap

 private:
  bool get(MDB_cursor_op where);
  [[noreturn]] void refuse_order() const;

  Table table_;
  MDB_cursor* cursor_ = nullptr;
  MDB_val key_{};
  MDB_val value_{};
};

}  // namespace pena::store
