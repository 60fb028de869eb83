#include "store/settled_table.hpp"

#include <algorithm>

#include "store/error.hpp"

namespace pena::store {
namespace {

using core::Xid;

bool are_holes(std::span<const Xid> ids) {
  return std::ranges::all_of(ids, &Xid::is_nil);
}

const char* name_of_tail(Table table) {
  return table == Table::reported ? kReportedTail : kFailedTail;
}

}  // namespace

std::uint64_t settled_key(Table table, std::string_view key) {
  if (key.size() == sizeof(std::uint64_t)) return number_of_key<std::uint64_t>(key);
  throw StoreError(std::string{"a key of the store, in the bucket "} + name_of(table) +
                   ", is corrupt: it has " + std::to_string(key.size()) + " bytes, expected 8");
}

std::optional<SettledTail> last_settled_record(const LmdbEnv& env, MDB_txn* txn, Table table) {
  KeyCursor cursor(env, txn, table);
  if (!cursor.last()) return std::nullopt;
  SettledTail record{settled_key(table, cursor.key()), {}};
  decode_settled(name_of(table), record.first, cursor.value(), record.ids);
  return record;
}

std::optional<SettledTail> settled_tail(const LmdbEnv& env, MDB_txn* txn, Table table) {
  const auto value = value_beside(env, txn, name_of_tail(table));
  if (value) return decode_tail(name_of(table), *value);
  if (number_of(env, txn, kSchemaKey).value_or(0) < kTailsSchema) return std::nullopt;
  throw StoreError(std::string{"the record tail in the bucket "} + name_of(table) + " is missing");
}

void make_tails(const LmdbEnv& env, MDB_txn* txn) {
  for (const Table table : {Table::reported, Table::failed}) {
    const auto last = last_settled_record(env, txn, table).value_or(SettledTail{});
    KeyCursor cursor(env, txn, table);
    if (are_holes(last.ids) && cursor.to(key_of_number(last.first))) cursor.drop();
    std::string value;
    encode(SettledTail{last.next(), {}}, value);
    put_beside(env, txn, name_of_tail(table), value);
  }
}

void refuse_settled(Table table, std::uint64_t order, const Xid& id) {
  throw StoreError("the record " + std::to_string(order) + " in the bucket " + name_of(table) +
                   " is of " + id.text() + ", whose own record is missing or says something else");
}

void SettledWriter::drop(std::uint64_t order, const Xid& id) {
  // Older programs took msgs of that id. Its place was a hole from the first.
  if (id.is_nil()) return;
  if (!tail_) tail_ = read_tail();
  Xid* const place = find(order);
  if (place == nullptr || *place != id) refuse_settled(table_, order, id);
  *place = Xid{};
  if (order >= tail_->first) changed_tail_ = true;
}

void SettledWriter::flush(std::string& buffer) {
  write_changed(buffer);
  if (!changed_tail_) return;
  if (tail_->ids.size() > kMostOfTail) make_records_of_tail(buffer);
  encode(*tail_, buffer);
  put_beside(env_, txn_, name_of_tail(table_), buffer);
  ++records_;
  bytes_ += buffer.size();
}

// Of the records none is all holes, but the last of a store that has no tails.
std::uint64_t first_settled(const LmdbEnv& env, MDB_txn* txn, Table table) {
  std::uint64_t first = 1;
  std::vector<Xid> ids;
  const auto is_kept = [&] {
    const auto kept = std::ranges::find_if_not(ids, &Xid::is_nil);
    first += static_cast<std::uint64_t>(kept - ids.begin());
    return kept != ids.end();
  };
  KeyCursor cursor(env, txn, table);
  if (cursor.first()) {
    first = settled_key(table, cursor.key());
    decode_settled(name_of(table), first, cursor.value(), ids);
    if (is_kept()) return first;
  }
  if (auto tail = settled_tail(env, txn, table)) {
    first = tail->first;
    ids = std::move(tail->ids);
    (void)is_kept();
  }
  return first;
}

SettledTail SettledWriter::read_tail() const {
  auto tail = settled_tail(env_, txn_, table_);
  if (!tail) throw StoreError("a bug: a store of an older schema is written to");
  return *std::move(tail);
}

// Null where nothing has that place.
Xid* SettledWriter::find(std::uint64_t order) {
  const auto within = [order](std::uint64_t first, std::vector<Xid>& ids) -> Xid* {
    const std::uint64_t at = order - first;
    return at < ids.size() ? &ids[at] : nullptr;
  };
  if (order >= tail_->first) return within(tail_->first, tail_->ids);
  const auto behind = changed_.upper_bound(order);
  if (behind != changed_.begin()) {
    const auto record = std::prev(behind);
    if (Xid* const place = within(record->first, record->second)) return place;
  }
  const std::string key = key_of_number(order);
  bool there = cursor_.to_first_from(key);
  if (!there || cursor_.key() != key) there = there ? cursor_.previous() : cursor_.last();
  if (!there) return nullptr;
  const std::uint64_t first = settled_key(table_, cursor_.key());
  std::vector<Xid> ids;
  decode_settled(name_of(table_), first, cursor_.value(), ids);
  return within(first, changed_.insert_or_assign(first, std::move(ids)).first->second);
}

void SettledWriter::write_changed(std::string& buffer) {
  for (const auto& [first, ids] : changed_) {
    if (!cursor_.to(key_of_number(first))) refuse_settled(table_, first, ids.front());
    if (are_holes(ids)) {
      cursor_.drop();
      ++records_;
    } else {
      put(first, ids, KeyCursor::Put::replace, buffer);
    }
  }
}

void SettledWriter::make_records_of_tail(std::string& buffer) {
  const std::span<const Xid> ids = tail_->ids;
  std::size_t at = 0;
  while (ids.size() - at > kMostOfTail) {
    const auto record = ids.subspan(at, std::min(kMostSettled, ids.size() - at));
    if (!are_holes(record)) put(tail_->first + at, record, KeyCursor::Put::behind_all, buffer);
    at += record.size();
  }
  tail_->ids.erase(tail_->ids.begin(), tail_->ids.begin() + static_cast<std::ptrdiff_t>(at));
  tail_->first += at;
}

void SettledWriter::put(std::uint64_t order, std::span<const Xid> ids, KeyCursor::Put how,
                        std::string& buffer) {
  encode_settled(ids, buffer);
  if (!cursor_.put(key_of_number(order), buffer, how)) {
    throw StoreError("a bug: the place " + std::to_string(order) + " in the bucket " +
                     name_of(table_) + " is given out already");
  }
  ++records_;
  bytes_ += buffer.size();
}

}  // namespace pena::store
