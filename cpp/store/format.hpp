// Keys and values of the store, byte for byte. This is the one grammar of records. A change set has no
// bytes of its own here: it is one LMDB transaction, so what it does is puts and drops of these records.
//
//   key of report, fail          the msg's id, 12 bytes
//   key of queue                 the id of the first msg in the value, 12 bytes: of the default queue
//   key of queues                number:u32 and such an id: of all other queues
//   key of later                 due:u64 id: when the msg is due, as its queued_at has it
//   key of batch                 the batch's id, 12 bytes
//   key of place                 the id of a msg that waits elsewhere than in `queue`
//   key of key                   number:u32 of a queue, and what the msg is called in it
//   key of queue_info            number:u32
//   key of reported, failed      order:u64: the place of the first msg of the value in the order of settling
//   key of meta                  its name; the value is a u64. `id_second`: no id that has left is of
//                                a later second
//   Numbers in keys are big endian, so that keys are in their order.
//
//   value        = version:u8 checksum:u32 body   checksum: low half of XXH3-64, seeded with the version
//   queue        = QueuedMsg+, in the order of their ids, all below the key of the next record
//   queues       = the same, all of the queue that the key says
//   later        = QueuedMsg
//   place        = queue:u32 { due_at:i64 }?      with a date: in `later`, otherwise in `queues`
//   key          = id:xid
//   queue_info   = paused:u8 queued:u64 later:u64 reported:u64 failed:u64 name
//                  `reported` of the two default queues is not looked at: they have what is left of `report`
//   reported     = id:xid+, one behind the other as they were settled; zeros for one that was dropped
//   failed       = the same
//   What was settled last is in neither, but in LMDB's main (unnamed) database, in which each table has its
//   entry, under the keys `reported_tail` and `failed_tail`: first:v id:xid*. `first` is the place of the first
//   of these msgs, or where there are none the next that is given out.
//   QueuedMsg    = msg accepted_at:since queued_at:since attempts:v misses
//   Batch        = client:xid granted_at:i64 client_name:name count:u32 HeldMsg*
//   HeldMsg      = flags:u8 id:near period:v extras payload:text accepted_at:since queued_at:since attempts:v
//                  misses
//   ReportRecord = flags:u8 order:v period:v batch:near client:near accepted_at:since granted_at:since
//                  reported_at:since attempts:v misses extras
//                  { client_name:name }?8 { payload_hash:16 bytes }?16 { result:text }?32
//   FailRecord   = order:v msg accepted_at:since failed_at:since attempts:v misses
//   msg          = id:xid period:v flags:u8 extras payload:text
//   extras       = { queue:u32 }?1 { max_resends:u16 }?2 { key:name }?4   each where its flag is set
//   misses       = count:v { batch:xid client:xid granted_at:i64 missed_at:i64 reason:u8
//                            client_name:name error:text }*
//   text         = length:v bytes
//   name         = length:u8 bytes
//   v            = a number in groups of seven bits, the lowest first, each in a byte whose top bit says
//                  that another follows; the last is not 0 but where it is the only one
//   since        = a difference, from the instant before it; accepted_at's, from the second of the msg's id,
//                  or of a HeldMsg from that of the msg before it, of the first from granted_at
//   difference   = v: 0, -1, 1, -2 … are 0, 1, 2, 3 …
//   near         = seconds:difference counter:3 bytes, from the xid before it, where both were made by one
//                  process: of a report's batch from the msg's own, of the first HeldMsg from the batch's.
//                  Else it is an xid, and its flag is set: 64, 128 that of a report's client
//   xid is 12 bytes; numbers are little endian; instants are microseconds since the Unix epoch.
//
// Records of version 2 have each number whole: order:u64 period:u32 attempts:u16 count:u16, the length of a
// text as u32, instants as i64. A batch has QueuedMsgs; a report has order, period, batch, client, its
// instants, attempts and misses before its flags. Those of version 1 have no order, attempts, flags, extras
// or names, too; a report ends with its misses.
//
// To change it: write records with a new version, keep reading the old ones, raise kSchema only
// where an older program must not open the store, and add the golden bytes to
// tests/cpp/store/format_test.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/msg.hpp"
#include "core/report_fields.hpp"
#include "store/records.hpp"

namespace pena::store {

inline constexpr std::uint64_t kSchema = 5;
// 4: no log in front of it, which an older program would not look into; 3: records of version 2 at most, and no tails of what was settled; 2: all msgs of one queue, too, and
// not in which order they were settled; 1: with one msg a record of queue, too, and no count of it. A
// server takes them over (store/takeover.hpp).
inline constexpr std::uint64_t kOldestSchema = 1;
// The first one with tails of what was settled.
inline constexpr std::uint64_t kTailsSchema = 4;
// In stores of these it is known in which order msgs were settled.
[[nodiscard]] constexpr bool is_ordered(std::uint64_t schema) {
  return schema >= 3 && schema <= kSchema;
}
inline constexpr std::uint8_t kRecordVersion = 3;
inline constexpr std::uint8_t kOldestRecordVersion = 1;

// Replaces `out` by the value, so that one buffer serves many records. `order`: instead of the record's.
void encode(const core::Batch& batch, std::string& out);
void encode(const core::ReportFields& report, std::uint64_t order, std::string& out);
inline void encode(const core::ReportRecord& record, std::uint64_t order, std::string& out) {
  encode(fields_of(record), order, out);
}
void encode(const core::FailRecord& record, std::uint64_t order, std::string& out);
void encode(const core::QueuedMsg& msg, std::string& out);  // of `later`

// A value of `queue` is made msg by msg, from an empty one; it has no checksum before it is sealed.
void append(const core::QueuedMsg& msg, std::string& value);
// A msg as it stands in another value of kRecordVersion.
void append_slice(std::string_view slice, std::string& value);
void seal(std::string& value);

// Throw StoreError naming the bucket, the id and what is wrong with the value. Of `queue` the msgs are
// appended to `out`, which has some of them where it throws.
void decode_queued(const core::Xid& id, std::string_view value, std::vector<core::QueuedMsg>& out);
[[nodiscard]] core::QueuedMsg decode_later(const core::Xid& id, std::string_view value);
[[nodiscard]] core::Batch decode_batch(const core::Xid& id, std::string_view value);
[[nodiscard]] core::ReportRecord decode_report(const core::Xid& id, std::string_view value);
[[nodiscard]] core::FailRecord decode_fail(const core::Xid& id, std::string_view value);

// Where the msgs of a value of `queue` are in it, without making them. Checks version and checksum.
struct QueuedSlice {
  core::Xid id;
  std::string_view bytes;
};
void slice_queued(const core::Xid& id, std::string_view value, std::vector<QueuedSlice>& out);
// The same value of `queue` in kRecordVersion: itself, or one that is made in `buffer`.
[[nodiscard]] std::string_view renewed_queued(const core::Xid& id, std::string_view value,
                                              std::string& buffer);

// How many msgs a batch has: decode_batch without making them. Checks version and checksum.
[[nodiscard]] std::size_t batch_size(const core::Xid& id, std::string_view value);

// Where a msg waits that is not in `queue`.
struct Place {
  core::QueueNumber queue = core::kDefaultQueue;
  std::optional<core::Instant> due_at = std::nullopt;  // none: in the queue
  friend bool operator==(const Place&, const Place&) = default;
};
void encode(const Place& place, std::string& out);
[[nodiscard]] Place decode_place(const core::Xid& id, std::string_view value);

void encode_key(const core::Xid& id, std::string& out);
[[nodiscard]] core::Xid decode_key(std::string_view key, std::string_view value);

void encode(const QueueInfo& info, std::string& out);
// Whether its record says how many reports it has. The default queue's count would change in nearly every
// commit, and be the only thing of its page that does.
[[nodiscard]] constexpr bool says_reported(core::QueueNumber queue) {
  return queue >= core::kFirstNamedQueue;
}
[[nodiscard]] QueueInfo decode_queue_info(core::QueueNumber number, std::string_view value);

// `bucket`: "reported" or "failed". Ids that were dropped are nil.
void encode_settled(std::span<const core::Xid> ids, std::string& out);
void decode_settled(std::string_view bucket, std::uint64_t order, std::string_view value,
                    std::vector<core::Xid>& out);

// What was settled last (store/settled_table.hpp).
struct SettledTail {
  std::uint64_t first = 1;  // the place of the first
  std::vector<core::Xid> ids;
  [[nodiscard]] std::uint64_t next() const { return first + ids.size(); }
  friend bool operator==(const SettledTail&, const SettledTail&) = default;
};
inline constexpr const char* kReportedTail = "reported_tail";
inline constexpr const char* kFailedTail = "failed_tail";
[[nodiscard]] constexpr bool is_tail(std::string_view key) {
  return key == kReportedTail || key == kFailedTail;
}
void encode(const SettledTail& tail, std::string& out);
// `bucket`: "reported" or "failed".
[[nodiscard]] SettledTail decode_tail(std::string_view bucket, std::string_view value);

}  // namespace pena::store
