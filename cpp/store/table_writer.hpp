// Puts and drops of a table whose keys are ids, within one write transaction.
#pragma once

#include <optional>
#include <string_view>

#include "core/xid.hpp"
#include "store/lmdb_cursor.hpp"
#include "store/records.hpp"

namespace pena::store {

// Keys that come in order are appended, which is several times faster than a search from the root.
// `bucket`: as a refusal names it. Errors: StoreError.
class TableWriter {
 public:
  TableWriter(const LmdbEnv& env, MDB_txn* txn, Table table) : cursor_(env, txn, table) {}

  void put(Bucket bucket, const core::Xid& id, std::string_view value) {
    if (!last_known_) look_for_last();
    const bool append = !last_ || id > *last_;
    if (!cursor_.put_new(id, value, append)) refuse_put(bucket, id);
    if (append) last_ = id;
  }
  void replace(const core::Xid& id, std::string_view value) { cursor_.put(id, value); }
  // Where it is, until the next write.
  [[nodiscard]] std::string_view find(Bucket bucket, const core::Xid& id) {
    if (!cursor_.to(id)) refuse_drop(bucket, id);
    return cursor_.value();
  }
  void drop(Bucket bucket, const core::Xid& id) {
    (void)find(bucket, id);
    drop_found(id);
  }
  // The one that find() has found.
  void drop_found(const core::Xid& id) {
    cursor_.drop();
    if (last_ == id) last_known_ = false;
  }

 private:
  void look_for_last() {
    last_ = cursor_.last() ? std::optional{cursor_.id()} : std::nullopt;
    last_known_ = true;
  }

  Cursor cursor_;
  std::optional<core::Xid> last_;
  bool last_known_ = false;
};

}  // namespace pena::store
