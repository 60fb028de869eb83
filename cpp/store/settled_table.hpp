// The tables `reported` and `failed`: in which order msgs were settled, whatever their ids.
//
//   key      1      4            table: the place of a record's first msg: 1, 2, …
//   record   a b c  d _ f g      ids; a hole where one was dropped
//   tail     8: h i              what came last, with the place of its first msg
//
// Each commit would write a leaf of the table, and all branches above it, for the few ids that it settles. So
// these stand beside the tables, in LMDB's main database, whose one page each commit writes anyway, until they
// are as many as make a record.
//
// Between two commits
//
//   one to one   each report says its place in `order`, and is named there. So one that is dropped is
//                found, and leaves a hole: the places of the others stay as they are. A record that is all
//                holes is dropped.
//   no overlap   the places of a record end before the next key, and before the tail.
//   never again  a place is given out once, for whoever reads on behind one must miss nothing. So the
//                tail stays, though it names none: it says which place is next.
//
// A store has both tails from its first start on, for one that is missing is damage, and would give places out
// again. A store of schema 3 has none: its last record, which stays though it be all holes, says what is next.
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
// So many of both tails fit into one page, beside the entries of the tables.
inline constexpr std::size_t kMostOfTail = 128;

// Puts and drops within one write transaction. Errors: StoreError.
class SettledWriter {
 public:
  // `table`: Table::reported or Table::failed. `tail`: as the only writer left it, so that the next commit
  // need not read it; none: it is to be read. To be forgotten where a commit failed.
  SettledWriter(const LmdbEnv& env, MDB_txn* txn, Table table, std::optional<SettledTail>& tail)
      : env_(env), txn_(txn), table_(table), cursor_(env, txn, table), tail_(tail) {}

  // Its place. Both wait for flush(), which has to come last.
  [[nodiscard]] std::uint64_t add(const core::Xid& id) {
    if (!tail_) tail_ = read_tail();
    tail_->ids.push_back(id);
    changed_tail_ = true;
    return tail_->next() - 1;
  }
  void drop(std::uint64_t order, const core::Xid& id);
  // `buffer`: for one value, kept by the caller for its memory.
  void flush(std::string& buffer);

  [[nodiscard]] std::size_t records() const { return records_; }  // written by flush()
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  [[nodiscard]] SettledTail read_tail() const;
  [[nodiscard]] core::Xid* find(std::uint64_t order);
  void write_changed(std::string& buffer);
  void make_records_of_tail(std::string& buffer);
  void put(std::uint64_t order, std::span<const core::Xid> ids, KeyCursor::Put how,
           std::string& buffer);

  const LmdbEnv& env_;
  MDB_txn* txn_;
  Table table_;
  KeyCursor cursor_;
  std::optional<SettledTail>& tail_;
  bool changed_tail_ = false;
  std::map<std::uint64_t, std::vector<core::Xid>> changed_;  // records that lost some
  std::size_t records_ = 0;
  std::size_t bytes_ = 0;
};

// What the table has last, without the tail.
[[nodiscard]] std::optional<SettledTail> last_settled_record(const LmdbEnv& env, MDB_txn* txn,
                                                             Table table);
// Of a key of such a table.
[[nodiscard]] std::uint64_t settled_key(Table table, std::string_view key);
// Of a new store, or one that is taken over from schema 3 or less.
void make_tails(const LmdbEnv& env, MDB_txn* txn);
// None: the store is of an older schema. StoreError where it is missing.
[[nodiscard]] std::optional<SettledTail> settled_tail(const LmdbEnv& env, MDB_txn* txn,
                                                      Table table);

[[noreturn]] void refuse_settled(Table table, std::uint64_t order, const core::Xid& id);

// Calls `read(order, id)` with each msg behind that place, in order, until it returns false.
template <class Read>
void each_settled(const LmdbEnv& env, MDB_txn* txn, Table table, std::uint64_t since, Read read) {
  const auto goes_on = [&](std::uint64_t first, const std::vector<core::Xid>& ids) {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (first + i <= since || ids[i].is_nil()) continue;
      if (!read(first + i, ids[i])) return false;
    }
    return true;
  };
  const auto tail = settled_tail(env, txn, table);
  if (tail && since >= tail->first) return (void)goes_on(tail->first, tail->ids);
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
    if (!goes_on(first, ids)) return;
  }
  if (tail) (void)goes_on(tail->first, tail->ids);
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
