// What the dispatcher wants done: writes, which must be durable BEFORE any of the sends leaves.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/event.hpp"
#include "core/msg.hpp"
#include "core/report_fields.hpp"
#include "core/status.hpp"

namespace pena::core {

// Writes, in the words of the store's buckets. A put of what is there already and a drop of what is
// not there are bugs; the store refuses both.
struct PutQueue {
  QueuedMsg msg;
};
struct DropQueue {
  Xid id;
  QueueNumber queue = kDefaultQueue;
};
// A msg that is not to be sent before a date, which is its queued_at.
struct PutLater {
  QueuedMsg msg;
};
struct DropLater {
  Xid id;
  Instant due_at;  // the msg's queued_at
};
struct PutBatch {
  std::shared_ptr<const Batch> batch;
  bool replaces = false;  // true: what a partial report left of a batch that is there
};
struct DropBatch {
  Xid id;
};
// A msg was processed. What its record says is left where it is: in the batch, which is shared.
class PutReport {
 public:
  // `msg`: of that batch.
  PutReport(const std::shared_ptr<const Batch>& batch, const QueuedMsg& msg, Instant reported_at,
            const SharedText& result)
      : batch_(batch), msg_(&msg), reported_at_(reported_at), result_(result) {}
  // As a store has it.
  explicit PutReport(ReportRecord record)
      : record_(std::make_shared<const ReportRecord>(std::move(record))) {}

  [[nodiscard]] const Xid& id() const { return record_ ? record_->id : msg_->msg.id; }
  [[nodiscard]] std::size_t result_bytes() const {
    return record_ ? record_->result.size() : result_.size();
  }
  // Good as long as the write.
  [[nodiscard]] ReportFields fields() const {
    return record_ ? fields_of(*record_) : fields_of(*batch_, *msg_, reported_at_, result_);
  }

 private:
  std::shared_ptr<const Batch> batch_;
  const QueuedMsg* msg_ = nullptr;
  Instant reported_at_{};
  SharedText result_;
  std::shared_ptr<const ReportRecord> record_;
};
struct DropReport {
  Xid id;
};
struct PutFail {
  FailRecord record;
};
struct DropFail {
  Xid id;
};
// What a msg is called by whoever submitted it. It stays as long as the msg is known.
struct PutKey {
  QueueNumber queue = kDefaultQueue;
  std::string key;
  Xid id;
};
struct DropKey {
  QueueNumber queue = kDefaultQueue;
  std::string key;
};
// A queue has a name. Before the first msg of that queue; again where its pause begins or ends.
struct PutQueueName {
  QueueNumber queue = kDefaultQueue;
  std::string name;
  bool paused = false;
};
// A number under a name in the bucket `meta`, such as how many msgs were generated. It replaces the
// one that is there.
struct PutMeta {
  std::string key;
  std::uint64_t value = 0;
};

using Write =
    std::variant<PutQueue, DropQueue, PutBatch, DropBatch, PutReport, PutFail, PutMeta, PutLater,
                 DropLater, DropReport, DropFail, PutKey, DropKey, PutQueueName>;

// Sends: what leaves the process, to streams and as answers.
struct SendBatch {
  Xid client;
  std::shared_ptr<const Batch> batch;
  Instant granted_at;  // by the time of the steps: the lease counts from it. Records have a date.
  // What the queues of its msgs are called, but for `default`; each once.
  std::vector<std::pair<QueueNumber, std::string>> queue_names = {};
  // Empty for `default`.
  [[nodiscard]] std::string_view queue_name(QueueNumber queue) const {
    const auto at =
        std::ranges::find(queue_names, queue, &std::pair<QueueNumber, std::string>::first);
    return at == queue_names.end() ? std::string_view{} : std::string_view{at->second};
  }
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
  std::vector<KnownMsg> known = {};
};
// What a report names: as processed, or else as failed or refused.
struct NamedId {
  Xid id;
  bool processed = false;
  // Of a report whose batch is gone: another one holds it now, and its story says that a report settled it
  // under the batch that is named (taken_under).
  enum class Held : std::uint8_t { no, taken, not_taken };
  Held held = Held::no;
  friend bool operator==(const NamedId&, const NamedId&) = default;
};
// `elsewhere`: what the report names that no batch settled by it holds. Whoever answers looks them up in
// the store: in the bucket `report` they are duplicates, otherwise unknown. `duplicate`: those that are
// known to be so already, and not among them.
struct ReportReply {
  RequestId request = 0;
  std::uint64_t reported = 0;
  std::vector<NamedId> elsewhere = {};
  std::uint64_t duplicate = 0;
  // Of a report whose batch is gone: how many of those were not taken under that batch.
  std::uint64_t not_taken = 0;
  bool refused = false;  // the store has no room for the results in it, and nothing is settled
  std::optional<Xid> batch = std::nullopt;  // the one that the report named
  bool batch_gone =
      false;  // and that nobody holds, so that what it names was settled before or lost
  // How many msgs are held under it still, or by the client that takes no more; none: it named neither.
  std::optional<std::uint64_t> held = std::nullopt;
  // It named no msg, to keep that batch, and its lease does not run any more.
  bool not_kept = false;
  std::uint64_t batches_granted = 0;  // when it was settled, as of a Status
};

// What became of a BulkAsked. `refused`: the store has no room for more msgs to wait. `stopped`: the server is
// about to stop. In either case those that are counted are done.
struct BulkReply {
  RequestId request = 0;
  std::uint64_t done = 0;
  std::uint64_t unknown = 0;  // ids that were not there
  bool refused = false;
  bool stopped = false;
};

// Why the name of a new queue is not kept.
enum class NameRefused : std::uint8_t {
  no,
  too_many_queues,  // there are as many as may be
  no_room,          // for anything new, be it in the store or on its disk
};

// What became of a PauseAsked.
struct PauseReply {
  RequestId request = 0;
  NameRefused refused = NameRefused::no;
  bool unknown = false;  // no queue of that name was used or paused so far
};

using Send = std::variant<SendBatch, CloseStream, SubmitReply, ReportReply, BulkReply, PauseReply,
                          StatusReply>;

// What the dispatcher asks of the store's queue, one thing at a time. `as_of` goes back with the answer:
// the next event may change what is asked, so an answer behind one is to another question.
//
// Missed msgs that it would grant if it had them whole. The list is the dispatcher's: until its next
// step.
struct WantedBodies {
  std::uint64_t as_of = 0;
  QueueNumber queue = kDefaultQueue;
  std::span<const Xid> ids;
};
// Msgs that are due by then, in the order of (due date, id).
struct WantedDue {
  std::uint64_t as_of = 0;
  Instant up_to;  // a date
  std::size_t limit = 0;
  std::size_t bytes = 0;  // as of a refill
};
// The store has the queue's other end: what a refill asks for.
struct WantedRefill {
  std::uint64_t as_of = 0;
  QueueNumber queue = kDefaultQueue;
  std::optional<Xid> after;  // exclusive; none: from the start
  std::size_t limit = 0;     // at most so many msgs,
  std::size_t bytes = 0;     // and, but for the first, of so many QueuedMsg::memory_bytes()
};

// Msgs that have ended or wait: these, as far as they do, or, where none are named, those behind a place.
struct WantedBulk {
  enum class From : std::uint8_t { report, fail, queue, later };
  std::uint64_t as_of = 0;
  From from = From::fail;
  std::span<const Xid> ids;           // from `queue`: of any queue, or of `later`
  std::uint64_t after = 0;            // of `report` and `fail`: in the order of settling
  QueueNumber queue = kDefaultQueue;  // of `queue` alone
  std::optional<Xid> after_id;        // of `queue`, likewise
  std::optional<std::pair<Instant, Xid>> after_due;  // of `later`, likewise
  std::size_t limit = 0;
  std::size_t bytes = 0;  // as they are stored
};

using Wanted = std::variant<std::monostate, WantedBodies, WantedDue, WantedRefill, WantedBulk>;

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
