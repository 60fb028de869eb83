// The few reads that the way through needs of a store, answered as of a ticket: what was appended to the
// log later is not in them, and is added by who asks (turn/overlay.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/msg.hpp"
#include "core/room.hpp"
#include "store/log.hpp"
#include "store/records.hpp"

namespace pena::store {

// By the owner of the log. Errors: StoreError.
class Index {
 public:
  virtual ~Index() = default;

  // As of which change set everything here is. It moves on in append() and in durable() of the log, and
  // nowhere else.
  [[nodiscard]] virtual Ticket applied() const = 0;

  // Msgs of the queue after `after` (exclusive; none: from the start), at most `limit`; it ends, too,
  // behind the msg with which it has `bytes` of QueuedMsg::memory_bytes().
  [[nodiscard]] virtual Page<core::QueuedMsg> queue(std::optional<core::Xid> after,
                                                    std::size_t limit, std::size_t bytes) const = 0;
  // These msgs, which must be in the queue, in this order; the last are left out behind the one
  // with which they have so many QueuedMsg::memory_bytes().
  [[nodiscard]] virtual std::vector<core::QueuedMsg> queued(const std::vector<core::Xid>& ids,
                                                            std::size_t bytes) const = 0;
  // In which of queue, report and fail each of them is.
  [[nodiscard]] virtual std::vector<std::optional<Bucket>> find_all(
      const std::vector<core::Xid>& ids) const = 0;

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
  // How many msgs are in the queue. Reads none of them.
  [[nodiscard]] virtual std::uint64_t queue_length() const = 0;
  [[nodiscard]] virtual std::optional<std::uint64_t> meta(const std::string& key) const = 0;
  [[nodiscard]] virtual Page<core::Xid> ids(Bucket bucket, std::optional<core::Xid> after,
                                            std::size_t limit) const = 0;
  // The highest id in queue, report and fail up to `id`.
  [[nodiscard]] virtual std::optional<core::Xid> last_up_to(const core::Xid& id) const = 0;
};

}  // namespace pena::store
