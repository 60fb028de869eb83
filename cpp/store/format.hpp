// Keys and values of the store, byte for byte. This is the one grammar of records. A change set has no
// bytes of its own here: it is one LMDB transaction, so what it does is puts and drops of these records.
//
//   key of report, fail          the msg's id, 12 bytes
//   key of queue                 the id of the first msg in the value, 12 bytes
//   key of batch                 the batch's id, 12 bytes
//   key of meta                  its name; the value is a u64. `queued`: how many msgs are in queue;
//                                `id_second`: no id that has left is of a later second
//
//   value        = version:u8 checksum:u32 body   checksum: low half of XXH3-64, seeded with the version
//   queue        = QueuedMsg+, in the order of their ids, all below the key of the next record
//   QueuedMsg    = msg accepted_at:i64 queued_at:i64 misses
//   Batch        = client:xid granted_at:i64 count:u32 QueuedMsg*
//   ReportRecord = period:u32 batch:xid client:xid accepted_at:i64 granted_at:i64 reported_at:i64 misses
//   FailRecord   = msg accepted_at:i64 failed_at:i64 misses
//   msg          = id:xid period:u32 payload:text
//   misses       = count:u16 { batch:xid client:xid granted_at:i64 missed_at:i64 reason:u8 error:text }*
//   text         = length:u32 bytes
//   xid is 12 bytes; numbers are little endian; instants are microseconds since the Unix epoch.
//
// To change it: write records with a new version, keep reading the old ones, raise kSchema only
// where an older program must not open the store, and add the golden bytes to
// tests/cpp/store/format_test.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/msg.hpp"

namespace pena::store {

inline constexpr std::uint64_t kSchema = 2;
// With one msg a record of queue, and no `queued`.
inline constexpr std::uint64_t kOldestSchema = 1;
inline constexpr std::uint8_t kRecordVersion = 1;

// Replaces `out` by the value, so that one buffer serves many records.
void encode(const core::Batch& batch, std::string& out);
void encode(const core::ReportRecord& record, std::string& out);
void encode(const core::FailRecord& record, std::string& out);

// A value of `queue` is made msg by msg, from an empty one; it has no checksum before it is sealed.
void append(const core::QueuedMsg& msg, std::string& value);
// A msg as it stands in another value.
void append_slice(std::string_view slice, std::string& value);
void seal(std::string& value);

// Throw StoreError naming the bucket, the id and what is wrong with the value. Of `queue` the msgs are
// appended to `out`, which has some of them where it throws.
void decode_queued(const core::Xid& id, std::string_view value, std::vector<core::QueuedMsg>& out);
[[nodiscard]] core::Batch decode_batch(const core::Xid& id, std::string_view value);
[[nodiscard]] core::ReportRecord decode_report(const core::Xid& id, std::string_view value);
[[nodiscard]] core::FailRecord decode_fail(const core::Xid& id, std::string_view value);

// Where the msgs of a value of `queue` are in it, without making them. Checks version and checksum.
struct QueuedSlice {
  core::Xid id;
  std::string_view bytes;
};
void slice_queued(const core::Xid& id, std::string_view value, std::vector<QueuedSlice>& out);

// How many msgs a batch has: decode_batch without making them. Checks version and checksum.
[[nodiscard]] std::size_t batch_size(const core::Xid& id, std::string_view value);

}  // namespace pena::store
