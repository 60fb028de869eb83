// What the dispatcher wants done: writes, which must be durable BEFORE any of the sends leaves.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/event.hpp"
#include "core/msg.hpp"

namespace pena::core {

// Writes, in the words of the store's buckets. A put of what is there already and a drop of what is
// not there are bugs; the store refuses both.
struct PutQueue {
  QueuedMsg msg;
};
struct DropQueue {
  Xid id;
};
struct PutBatch {
  std::shared_ptr<const Batch> batch;
  bool replaces = false;  // true: what a partial report left of a batch that is there
};
struct DropBatch {
  Xid id;
};
struct PutReport {
  ReportRecord record;
};
struct PutFail {
  FailRecord record;
};
// A number under a name in the bucket `meta`, such as how many msgs were generated. It replaces the
// one that is there.
struct PutMeta {
  std::string key;
  std::uint64_t value = 0;
};

using Write = std::variant<PutQueue, DropQueue, PutBatch, DropBatch, PutReport, PutFail, PutMeta>;

// Sends: what leaves the process, to streams and as answers.
struct SendBatch {
  Xid client;
  std::shared_ptr<const Batch> batch;
  Instant granted_at;  // by the time of the steps: the lease counts from it. Records have a date.
};
// The stream is to be closed. `complete`: its client has had all that it asked for, so that it need
// not come back; otherwise something went wrong, such as a lease that ended.
struct CloseStream {
  Xid client;
  std::string reason;  // a sentence for the log and for the stream's last comment
  bool complete = false;
};
struct SubmitReply {
  RequestId request = 0;
  bool refused = false;  // the store has no room for the msgs, and none was accepted
};
// `elsewhere`: ids of the report that no batch settled by it holds. Whoever answers looks them up in
// the store: in the bucket `report` they are duplicates, otherwise unknown. `duplicate`: those that are
// known to be so already, and not among them.
struct ReportReply {
  RequestId request = 0;
  std::uint64_t reported = 0;
  std::vector<Xid> elsewhere;
  std::uint64_t duplicate = 0;
};

using Send = std::variant<SendBatch, CloseStream, SubmitReply, ReportReply>;

// What the dispatcher asks of the store's queue, one thing at a time. `as_of` goes back with the answer:
// the next event may change what is asked, so an answer behind one is to another question.
//
// Missed msgs that it would grant if it had them whole. The list is the dispatcher's: until its next
// step.
struct WantedBodies {
  std::uint64_t as_of = 0;
  std::span<const Xid> ids;
};
// The store has the queue's other end: what a refill asks for.
struct WantedRefill {
  std::uint64_t as_of = 0;
  std::optional<Xid> after;  // exclusive; none: from the start
  std::size_t limit = 0;     // at most so many msgs,
  std::size_t bytes = 0;     // and, but for the first, of so many QueuedMsg::memory_bytes()
};

using Wanted = std::variant<std::monostate, WantedBodies, WantedRefill>;

// What the dispatcher holds of the queue in memory.
struct InMemory {
  std::size_t msgs = 0;        // whole ones,
  std::size_t bytes = 0;       // of so many QueuedMsg::memory_bytes()
  std::size_t missed_ids = 0;  // of resends and suspects
};

struct Effects {
  std::vector<Write> writes;
  std::vector<Send> sends;
};

}  // namespace pena::core
