// Change sets as bytes, for a log. The grammar, in the words of format.hpp, which has the records:
//
//   change set  = version:u8 checksum:u32 Write*
//   Write       = kind:u8, and
//     1  PutQueue      QueuedMsg
//     2  DropQueue     id:xid queue:v
//     3  PutBatch      id:xid replaces:u8 value:text       value: as the table has it
//     4  DropBatch     id:xid
//     5  PutReport     id:xid value:text                   of order 0: who applies it gives it a place
//     6  PutFail       id:xid value:text                   likewise
//     7  PutMeta       name value:u64
//     8  PutLater      QueuedMsg
//     9  DropLater     id:xid due_at:i64
//     10 DropReport    id:xid
//     11 DropFail      id:xid
//     12 PutKey        queue:v key:name id:xid
//     13 DropKey       queue:v key:name
//     14 PutQueueName  queue:v paused:u8 name
//
// A change set has one form. No bytes of it outlive a start: what a log has is applied first. So a version
// that is not this one's is met only where another Pena has crashed, and that one is to be started once more.
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
