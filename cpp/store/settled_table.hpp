// The tables `reported` and `failed`: in which order msgs were settled. What one commit settles is one
// record, or a few, behind all others, whatever the ids: so the order costs an append a commit.
//
//   key      1      4      9        the place of the record's first msg: 1, 2, …
//   record   a b c  d _ f g h  i    ids; a hole where one was dropped
//
// Between two commits
//
//   one to one   each report says its place in `order`, and is named there. So one that is dropped is
//                found, and leaves a hole: the places of the others stay as they are.
//   no gap       the places of a record end before the next key.
//   never again  a place is given out once, for whoever reads on behind one must miss nothing. So the
//                last record stays, though it be all holes; others are dropped then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/xid.hpp"
#include "store/format.hpp"
#include "store/lmdb_cursor.hpp"
#include "store/lmdb_places.hpp"
#include "store/lmdb_records.hpp"
#include "store/records.hpp"

namespace pena::store {

// So many ids are as long as what LMDB keeps two of in a page.
inline constexpr std::size_t kMostSettled = 168;

// The end of such a table, as the only writer leaves it: the next commit need not read the last record. To
// be forgotten where a commit failed.
struct SettledEnd {
  std::optional<std::uint64_t> next;  // behind the last record; none: it is to be looked for
  std::vector<core::Xid> added;       // for its memory
};

// Puts and drops within one write transaction. Errors: StoreError.
class SettledWriter {
 public:
  // `table`: Table::reported or Table::failed.
  SettledWriter(const LmdbEnv& env, MDB_txn* txn, Table table, SettledEnd& end)
      : bucket_(name_of(table)), cursor_(env, txn, table), end_(end) {
    end_.added.clear();
  }

  // Its place. Both wait for flush(), which has to come last.
  [[nodiscard]] std::uint64_t add(const core::Xid& id) {
    if (!end_.next) look_for_last();
    end_.added.push_back(id);
    return *end_.next + end_.added.size() - 1;
  }
  void drop(std::uint64_t order, const core::Xid& id);
  // `buffer`: for one value, kept by the caller for its memory.
  void flush(std::string& buffer);

  [[nodiscard]] std::size_t records() const { return records_; }  // written by flush()
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  void look_for_last();
  [[nodiscard]] core::Xid* find(std::uint64_t order);
  void write_changed(std::string& buffer);
  void append_added(std::string& buffer);
  void put(std::uint64_t order, std::span<const core::Xid> ids, KeyCursor::Put how,
           std::string& buffer);

  const char* bucket_;
  KeyCursor cursor_;
  SettledEnd& end_;                                          // `added`: from `next` on
  bool dropped_ = false;                                     // so the last may be all holes
  std::map<std::uint64_t, std::vector<core::Xid>> changed_;  // records that lost some
  std::size_t records_ = 0;
  std::size_t bytes_ = 0;
};

// Of a key of such a table.
[[nodiscard]] std::uint64_t settled_key(Table table, std::string_view key);

[[noreturn]] void refuse_settled(Table table, std::uint64_t order, const core::Xid& id);

// Calls `read(order, id)` with each msg behind that place, in order, until it returns false.
template <class Read>
void each_settled(const LmdbEnv& env, MDB_txn* txn, Table table, std::uint64_t since, Read read) {
  KeyCursor cursor(env, txn, table);
  const std::string from = key_of_number(since);
  bool there = cursor.to_first_from(from);
  if (!there || cursor.key() != from) there = there ? cursor.previous() : cursor.last();
  if (!there) there = cursor.first();
  std::vector<core::Xid> ids;
  for (; there; there = cursor.next()) {
    const auto first = settled_key(table, cursor.key());
    ids.clear();
    decode_settled(name_of(table), first, cursor.value(), ids);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (first + i <= since || ids[i].is_nil()) continue;
      if (!read(first + i, ids[i])) return;
    }
  }
}
// As that of a Page.
[[nodiscard]] std::uint64_t first_settled(const LmdbEnv& env, MDB_txn* txn, Table table);

// A page in the order of settling, within one transaction of its own. `decode` makes a record of an id and
// a value of `records`.
template <class Record, class Decode>
Page<Record> settled_page(const LmdbEnv& env, Table order, Table records, std::uint64_t since,
                          Most most, Decode decode) {
  const ReadTxn txn(env);
  refuse_unordered(env, txn.get());
  Page<Record> page;
  page.first = first_settled(env, txn.get(), order);
  std::size_t bytes = 0;
  each_settled(env, txn.get(), order, since, [&](std::uint64_t at, const core::Xid& id) {
    page.more = page.records.size() >= most.records || bytes >= most.bytes;
    if (page.more) return false;
    const auto value = value_of(env, txn.get(), records, id);
    if (!value) refuse_settled(order, at, id);
    bytes += value->size();
    page.records.push_back(decode(id, *value));
    if (page.records.back().order != at) refuse_settled(order, at, id);
    return true;
  });
  return page;
}

}  // namespace pena::store
