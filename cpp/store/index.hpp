// The few reads that the way through needs of a store, answered as of a ticket: what was appended to the
// log later is not in them, and is added by who asks (turn/overlay.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/content.hpp"
#include "core/msg.hpp"
#include "core/room.hpp"
#include "store/log.hpp"
#include "store/records.hpp"

namespace pena::store {

// By the owner of the log. Errors: StoreError.
class Index {
 public:
  virtual ~Index() = default;

  // As of which change set everything here is, or of a later one that is durable: one read may be of an older one
  // than the next. It moves on in append() and durable() of the log and in catch_up(), and nowhere else.
  [[nodiscard]] virtual Ticket applied() const = 0;
  // Takes on what is durable, if need be by waiting for the disk: for what is seldom asked.
  virtual void catch_up() {}

  // Msgs of a queue after `after` (exclusive; none: from the start), at most `limit`; it ends, too,
  // behind the msg with which it has `bytes` of QueuedMsg::memory_bytes().
  [[nodiscard]] virtual Page<core::QueuedMsg> queue(core::QueueNumber queue,
                                                    std::optional<core::Xid> after,
                                                    std::size_t limit, std::size_t bytes) const = 0;
  // These msgs, which must be in that queue, in this order; the last are left out behind the one
  // with which they have so many QueuedMsg::memory_bytes().
  [[nodiscard]] virtual std::vector<core::QueuedMsg> queued(core::QueueNumber queue,
                                                            const std::vector<core::Xid>& ids,
                                                            std::size_t bytes) const = 0;
  // Msgs of the bucket `later` behind that place (none: from the start), in the order of (due date, id).
  [[nodiscard]] virtual Page<core::QueuedMsg> later(const std::optional<LaterPlace>& after,
                                                    Most most) const = 0;
  // When the first msg of the bucket `later` is due.
  [[nodiscard]] virtual std::optional<core::Instant> next_due() const = 0;
  // In which of queue, later, report and fail each of them is.
  [[nodiscard]] virtual std::vector<std::optional<Bucket>> find_all(
      const std::vector<core::Xid>& ids) const = 0;
  // Which msg is called so; none where no msg is.
  struct Key {
    core::QueueNumber queue = core::kDefaultQueue;
    std::string key;
  };
  [[nodiscard]] virtual std::vector<std::optional<core::Xid>> find_keys(
      const std::vector<Key>& keys) const = 0;

  // Msgs that have ended, by id, and in the order of settling behind that place, as a View has them.
  [[nodiscard]] virtual std::optional<core::ReportRecord> report(const core::Xid& id) const = 0;
  [[nodiscard]] virtual std::optional<core::FailRecord> fail(const core::Xid& id) const = 0;
  [[nodiscard]] virtual Page<core::ReportRecord> reports_since(std::uint64_t order,
                                                               Most most) const = 0;
  [[nodiscard]] virtual Page<core::FailRecord> fails_since(std::uint64_t order,
                                                           Most most) const = 0;
  // A msg that waits, in a queue or to be due; none where it does not.
  [[nodiscard]] virtual std::optional<core::QueuedMsg> waiting(const core::Xid& id) const = 0;
  // What msgs say that find_all() has found there; none where one is not there any more.
  struct Found {
    core::Xid id;
    Bucket bucket = Bucket::queue;
  };
  [[nodiscard]] virtual std::vector<std::optional<core::Content>> contents(
      const std::vector<Found>& msgs) const = 0;

  // How full it is, 0 … 1 and beyond, free pages counted as free; looks at its disk, too, for what
  // follows. Cheap enough to be asked after every commit.
  [[nodiscard]] virtual double fill() const = 0;
  // The disk below it has less left than it should. As the last `fill` found it.
  [[nodiscard]] virtual bool disk_is_low() const { return false; }
  // What change sets may still take for sure, free pages of the store and of its disk counted, and
  // without what each takes for itself; of the disk, as the last `fill` found it. Endless where there
  // is no bound.
  [[nodiscard]] virtual core::Room room() const { return core::Room::endless(); }
  // What whoever runs the server should know, once each time it begins, or nothing. As cheap.
  [[nodiscard]] virtual std::optional<std::string> warning() { return std::nullopt; }

  // What a start reads.
  [[nodiscard]] virtual std::vector<core::Batch> batches() const = 0;
  // Every queue that has a name or a msg, by number. Reads no msg.
  [[nodiscard]] virtual std::vector<QueueInfo> queues() const = 0;
  [[nodiscard]] virtual std::optional<std::uint64_t> meta(const std::string& key) const = 0;
  [[nodiscard]] virtual Page<core::Xid> ids(Bucket bucket, std::optional<core::Xid> after,
                                            std::size_t limit) const = 0;
  // The highest id in queue, report and fail up to `id`.
  [[nodiscard]] virtual std::optional<core::Xid> last_up_to(const core::Xid& id) const = 0;
};

}  // namespace pena::store
