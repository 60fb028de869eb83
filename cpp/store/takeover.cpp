// A store of schema 1 or 2 has one queue, and its msgs may stay as they are: records of version 1 are read, and one
// that is changed is written in the newer version. What it lacks is
//
//   the order of settling   each report and each failure gets a place, in the order of their ids, for
//                           no other is known, and is written again with it
//   queue_info              the counts of its one queue
//
// That is more than one transaction should take. So the first says in `meta` that the store has this schema
// now, for an older program must not open it any more, and `taken_from`, which it had. Then each takes a
// few thousand records: it gives them places, and the last place that is given out is where the next
// goes on. The last counts, and forgets `taken_from`. Wherever it is killed, the store says how far it has
// come, and the next start goes on from there; views read it meanwhile as the older store that it was.
//
// A store of schema 3 lacks nothing but the tails of what was settled, and one of schema 4 nothing.
#include "store/takeover.hpp"

#include <optional>
#include <string>
#include <vector>

#include "store/change_set.hpp"
#include "store/format.hpp"
#include "store/lmdb_cursor.hpp"
#include "store/lmdb_places.hpp"
#include "store/lmdb_records.hpp"
#include "store/settled_table.hpp"

namespace pena::store {
namespace {

using core::Xid;

// Of schema 3 or 4 it has `taken_from` already: a program of that schema was killed while it took it over.
void begin_takeover(const LmdbEnv& env, std::uint64_t schema) {
  WriteTxn txn(env);
  if (!is_ordered(schema)) put_number(env, txn.get(), kTakenFromKey, schema);
  if (schema < kTailsSchema) make_tails(env, txn.get());
  put_number(env, txn.get(), kSchemaKey, kSchema);
  txn.commit();
}

// The last msg that has a place: those with lower ids have theirs, too.
std::optional<Xid> last_placed(const LmdbEnv& env, MDB_txn* txn, Table order) {
  const auto tail = settled_tail(env, txn, order);
  if (tail && !tail->ids.empty()) return tail->ids.back();
  const auto record = last_settled_record(env, txn, order);
  return record ? std::optional{record->ids.back()} : std::nullopt;
}

// False where there are none. Records that grow where they are leave pages half empty: the bucket needs up
// to twice as many for now.
template <class Record, class Decode>
bool place_some(const LmdbEnv& env, Table records, Table order, Decode decode) {
  constexpr std::size_t kRecords = 4096;
  constexpr std::size_t kBytes = std::size_t{4} << 20U;
  WriteTxn txn(env);
  std::size_t placed = 0;
  {
    const std::optional<Xid> last = last_placed(env, txn.get(), order);
    Cursor cursor(env, txn.get(), records);
    std::optional<SettledTail> tail;
    SettledWriter settled(env, txn.get(), order, tail);
    std::string buffer;
    std::size_t bytes = 0;
    bool there = cursor.to_first_behind(last);
    for (; there && placed < kRecords && bytes < kBytes; there = cursor.next(), ++placed) {
      const Xid id = cursor.id();
      const Record record = decode(id, cursor.value());
      encode(record, settled.add(id), buffer);
      bytes += buffer.size();
      cursor.put(id, buffer);
    }
    settled.flush(buffer);
  }
  if (placed > 0) txn.commit();
  return placed > 0;
}

void end_takeover(const LmdbEnv& env) {
  WriteTxn txn(env);
  const std::vector<QueueInfo> infos = queue_infos(env, txn.get());  // as those of the older store
  {
    KeyCursor cursor(env, txn.get(), Table::queue_info);
    std::string value;
    for (const QueueInfo& info : infos) {
      encode(info, value);
      (void)cursor.put(key_of_number(info.number), value, KeyCursor::Put::replace);
    }
  }
  drop_number(env, txn.get(), kQueuedKey);
  drop_number(env, txn.get(), kTakenFromKey);
  txn.commit();
}

std::uint64_t schema_of(const LmdbEnv& env) {
  return number_of(env, ReadTxn(env).get(), kSchemaKey).value_or(kOldestSchema);
}

}  // namespace

bool take_over_some(const LmdbEnv& env) {
  if (is_whole(env, ReadTxn(env).get())) return false;
  const std::uint64_t schema = schema_of(env);
  if (schema < kSchema) {
    begin_takeover(env, schema);
  } else if (!place_some<core::ReportRecord>(env, Table::report, Table::reported, decode_report) &&
             !place_some<core::FailRecord>(env, Table::fail, Table::failed, decode_fail)) {
    end_takeover(env);
  }
  return true;
}

}  // namespace pena::store
