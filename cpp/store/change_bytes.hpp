// Change sets as bytes, for a log. The grammar, in the words of format.hpp, which has the records:
//
//   change set  = version:u8 checksum:u32 Write*
//   Write       = kind:u8, and
//     1  PutQueue       HeldMsg
//     2  DropQueue      id:near queue:v
//     3  PutBatch       id:near replaces:u8 Batch
//     4  DropBatch      id:near
//     5  PutReport      batch:near client:xid granted_at:since reported_at:since client_name:name Report
//     6  PutFail        id:near value:text                  value: as the table has it, of order 0
//     7  PutMeta        name value:u64
//     8  PutLater       HeldMsg
//     9  DropLater      id:near due_at:i64
//     10 DropReport     id:near
//     11 DropFail       id:near
//     12 PutKey         id:near queue:v key:name
//     13 DropKey        queue:v key:name
//     14 PutQueueName   queue:v paused:u8 name
//     15 PutNextReport  Report                              of the batch and at the time of the last 5
//   Report      = flags:u8 id:near period:v accepted_at:since attempts:v misses extras
//                 { payload_hash:16 bytes }?16 { result:text }?32
//
// What is written most is reports of one batch, and they share most of what they say.
//
// An id is near the one that was written before it, whatever its kind, the first near an id of zeros; where it has
// another origin the kind's top bit is set, or a HeldMsg's or Report's flag 64. An accepted_at is since that
// of the HeldMsg or Report before it, the first since the Unix epoch; granted_at since the second of the batch's
// id. What lies within a Batch is not looked back to.
//
// A change set has one form, as far as those of the records within it have. No bytes of it outlive a start: what a log has is
// applied first. So a version that is not this one's is met only where another Pena has crashed, and that one is
// to be started once more.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "store/log.hpp"

namespace pena::store {

// Replaces `out`.
void encode(const ChangeSet& changes, std::string& out);
// No more than encode() would make of them, for a look that costs little; it ends where it is above `most`.
[[nodiscard]] std::size_t least_bytes(const ChangeSet& changes, std::size_t most);
// Throws StoreError, which says what is wrong with them.
[[nodiscard]] ChangeSet decode_changes(std::string_view bytes);

}  // namespace pena::store
