#include "store/settled_table.hpp"

#include <algorithm>

#include "store/error.hpp"

namespace pena::store {
namespace {

using core::Xid;

bool are_holes(const std::vector<Xid>& ids) {
  return std::ranges::all_of(ids, &Xid::is_nil);
}

Table table_of(std::string_view bucket) {
  return bucket == name_of(Table::reported) ? Table::reported : Table::failed;
}

}  // namespace

std::uint64_t settled_key(Table table, std::string_view key) {
  if (key.size() == sizeof(std::uint64_t)) return number_of_key<std::uint64_t>(key);
  throw StoreError(std::string{"a key of the store, in the bucket "} + name_of(table) +
                   ", is corrupt: it has " + std::to_string(key.size()) + " bytes, expected 8");
}

void refuse_settled(Table table, std::uint64_t order, const Xid& id) {
  throw StoreError("the record " + std::to_string(order) + " in the bucket " + name_of(table) +
                   " is of " + id.text() + ", whose own record is missing or says something else");
}

void SettledWriter::drop(std::uint64_t order, const Xid& id) {
  Xid* const place = find(order);
  if (place == nullptr || *place != id) refuse_settled(table_of(bucket_), order, id);
  *place = Xid{};
  dropped_ = true;
}

void SettledWriter::flush(std::string& buffer) {
  if (!changed_.empty()) write_changed(buffer);
  if (!end_.added.empty()) append_added(buffer);
  if (dropped_) end_.next.reset();
  if (end_.next) *end_.next += end_.added.size();
}

// Of the records that are all holes only the last is kept, so the first tells it.
std::uint64_t first_settled(const LmdbEnv& env, MDB_txn* txn, Table table) {
  KeyCursor cursor(env, txn, table);
  if (!cursor.first()) return 1;
  const std::uint64_t first = settled_key(table, cursor.key());
  std::vector<Xid> ids;
  decode_settled(name_of(table), first, cursor.value(), ids);
  const auto kept = std::ranges::find_if_not(ids, &Xid::is_nil);
  return first + static_cast<std::uint64_t>(kept - ids.begin());
}

// One that is all holes is no more needed when others come behind it.
void SettledWriter::look_for_last() {
  end_.next = 1;
  if (!cursor_.last()) return;
  const std::uint64_t first = settled_key(table_of(bucket_), cursor_.key());
  std::vector<Xid> ids;
  decode_settled(bucket_, first, cursor_.value(), ids);
  end_.next = first + ids.size();
  if (are_holes(ids)) changed_.try_emplace(first, std::move(ids));
}

// Null where no record has that place.
Xid* SettledWriter::find(std::uint64_t order) {
  if (end_.next && order >= *end_.next) {
    const std::uint64_t at = order - *end_.next;
    return at < end_.added.size() ? &end_.added[at] : nullptr;
  }
  const auto within = [&](auto& record) -> Xid* {
    const std::uint64_t at = order - record.first;
    return at < record.second.size() ? &record.second[at] : nullptr;
  };
  const auto behind = changed_.upper_bound(order);
  if (behind != changed_.begin()) {
    if (Xid* const place = within(*std::prev(behind))) return place;
  }
  const std::string key = key_of_number(order);
  bool there = cursor_.to_first_from(key);
  if (!there || cursor_.key() != key) there = there ? cursor_.previous() : cursor_.last();
  if (!there) return nullptr;
  const std::uint64_t first = settled_key(table_of(bucket_), cursor_.key());
  std::vector<Xid> ids;
  decode_settled(bucket_, first, cursor_.value(), ids);
  return within(*changed_.insert_or_assign(first, std::move(ids)).first);
}

void SettledWriter::write_changed(std::string& buffer) {
  for (const auto& [first, ids] : changed_) {
    const std::string key = key_of_number(first);
    if (!cursor_.to(key)) refuse_settled(table_of(bucket_), first, ids.front());
    const bool last = end_.added.empty() && !cursor_.next();
    if (last || !are_holes(ids)) {
      put(first, ids, KeyCursor::Put::replace, buffer);
    } else if (cursor_.to(key)) {
      cursor_.drop();
      ++records_;
    }
  }
}

void SettledWriter::append_added(std::string& buffer) {
  const std::span<const Xid> added = end_.added;
  for (std::size_t at = 0; at < added.size(); at += kMostSettled) {
    const std::size_t count = std::min(kMostSettled, added.size() - at);
    put(*end_.next + at, added.subspan(at, count), KeyCursor::Put::behind_all, buffer);
  }
}

void SettledWriter::put(std::uint64_t order, std::span<const Xid> ids, KeyCursor::Put how,
                        std::string& buffer) {
  encode_settled(ids, buffer);
  if (!cursor_.put(key_of_number(order), buffer, how)) {
    throw StoreError("a bug: the place " + std::to_string(order) + " in the bucket " + bucket_ +
                     " is given out already");
  }
  ++records_;
  bytes_ += buffer.size();
}

}  // namespace pena::store
