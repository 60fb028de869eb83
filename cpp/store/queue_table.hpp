// The tables `queue` and `queues`: records of several msgs each, so that a long queue costs a write and a
// drop for some two dozen msgs, not for each. What was put in one commit shares records; a record that
// loses some of its msgs is written again without them. Of `queues` all here is of one queue, whose keys
// have its number before them: the cursor knows no others.
//
//   key      1      4      9      23          the id of the record's first msg
//   record   1 2 3  4 7 8  9      23 40 41
//
// Between two commits
//
//   in order     ids ascend within a record, and all are below the key of the next. So the queue is read
//                in order record by record, and a msg is in the last record whose key is not above its
//                id, or nowhere: one search, whatever id is asked for.
//   none empty   a record has a msg at least, the one that its key names.
//   half a page  a record of several msgs is no longer than what LMDB keeps two of in a page. A msg that
//                is longer by itself is a record alone, and has pages of its own.
//   counted      how many msgs all records have is said in `queue_info`: LMDB counts records. Whoever
//                writes changes it in the same transaction (store/lmdb_log).
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/msg.hpp"
#include "core/xid.hpp"
#include "store/format.hpp"
#include "store/lmdb_cursor.hpp"
#include "store/records.hpp"

namespace pena::store {

// Calls `read` with each record that may have msgs behind `after` (none: from the start), in order,
// until it returns false. Errors here and below: StoreError, also where a record that a msg falls
// into is corrupt.
void each_queued(Cursor& cursor, const std::optional<core::Xid>& after,
                 const std::function<bool(const core::Xid& key, std::string_view value)>& read);

// A page of what `read` appends of each record: all its msgs, in order. `id_of`: the id of one.
// `bytes_of`: how much of `bytes` one takes; the page ends behind the one that takes the last.
template <class Record, class Read, class IdOf, class BytesOf>
Page<Record> queue_page(Cursor& cursor, const std::optional<core::Xid>& after, std::size_t limit,
                        Read read, IdOf id_of, std::size_t bytes, BytesOf bytes_of) {
  Page<Record> page;
  std::vector<Record>& records = page.records;
  std::size_t kept = 0;
  each_queued(cursor, after, [&](const core::Xid& key, std::string_view value) {
    if (!records.empty() && (records.size() == limit || bytes == 0)) {
      page.more = true;
      return false;
    }
    const bool may_begin_amid = records.empty() && after;
    read(key, value, records);
    if (may_begin_amid) {
      const auto is_behind = [&](const Record& record) {
        return id_of(record) > *after;
      };
      records.erase(records.begin(), std::ranges::find_if(records, is_behind));
    }
    while (kept < std::min(records.size(), limit) && bytes > 0) {
      bytes -= std::min(bytes, bytes_of(records[kept++]));
    }
    page.more = records.size() > kept;
    records.erase(records.begin() + static_cast<std::ptrdiff_t>(kept), records.end());
    return !page.more;
  });
  return page;
}

// Reads msgs of a queue by their ids, within one transaction. It keeps the record that it read last, as
// QueuedIds does.
class QueuedMsgs {
 public:
  explicit QueuedMsgs(Cursor& cursor) : cursor_(cursor) {}
  // Null where it is not in the queue. It stands until the next call.
  [[nodiscard]] const core::QueuedMsg* find(const core::Xid& id);

 private:
  Cursor& cursor_;
  std::vector<core::QueuedMsg> record_;
};

// These msgs, in this order, until they have so many QueuedMsg::memory_bytes(). StoreError where one
// is not in the bucket.
[[nodiscard]] std::vector<core::QueuedMsg> read_queued(Cursor& cursor,
                                                       const std::vector<core::Xid>& ids,
                                                       std::size_t bytes);

// Finds ids in the bucket, within one transaction. It keeps the ids of the record that it read
// last: what is sought in order costs a read for each record, not for each id.
class QueuedIds {
 public:
  explicit QueuedIds(Cursor& cursor) : cursor_(cursor) {}
  [[nodiscard]] bool contains(const core::Xid& id);

 private:
  void read_around(const core::Xid& id);

  Cursor& cursor_;
  std::vector<QueuedSlice> slices_;  // of the record; none: before the first record
  std::optional<core::Xid> upper_;   // the key of the record behind it
  bool read_ = false;
};

// The ids of a record, behind what `out` has.
void append_queued_ids(const core::Xid& key, std::string_view value, std::vector<core::Xid>& out);

// Puts and drops within one write transaction.
class QueueWriter {
 public:
  // `buffer`: for one value, kept by the caller for its memory.
  QueueWriter(const LmdbEnv& env, MDB_txn* txn, core::QueueNumber queue, std::string& buffer)
      : cursor_(env, txn, queue), buffer_(buffer) {
    buffer_.clear();
  }

  // Both wait for flush(), which has to come last. `msg` has to be there until then.
  void put(const core::QueuedMsg& msg);
  void drop(const core::Xid& id);  // which must be in it
  void flush();

  [[nodiscard]] std::size_t bytes() const { return bytes_; }  // of the values put so far

 private:
  enum class Where { behind_all, among };

  void look_for_last();
  // Adds a msg to the record in the buffer; puts the record first where it is full.
  template <class Append>
  void add(const core::Xid& id, Where where, Append append_to);
  void put_buffer(Where where);
  void put_among();
  [[nodiscard]] std::optional<core::Xid> slice_around(const core::Xid& id);
  void put_in_parts(const core::Xid& key, std::string_view value);
  void drop_all();
  // Replaces the record where the cursor stands by what is left of it.
  void rewrite(std::span<const QueuedSlice> left);

  Cursor cursor_;
  std::string& buffer_;  // the record that is being filled
  core::Xid first_;      // in it
  // No id in the bucket and the buffer is higher; what is may be appended.
  std::optional<core::Xid> last_;
  bool last_known_ = false;
  std::vector<const core::QueuedMsg*> among_;  // puts up to the last, and
  std::vector<core::Xid> dropped_;             // drops, sorted: both by the next flush
  // Of the records that are taken apart; kept for their memory.
  std::vector<QueuedSlice> slices_;
  std::string old_;
  std::string merged_;
  std::size_t bytes_ = 0;
};

}  // namespace pena::store
