// The store: what is durable. One verb that matters, commit(change set) → durable, and a load.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/effect.hpp"
#include "core/msg.hpp"
#include "core/room.hpp"

namespace pena::store {

// The environment failed: no such folder, in use, disk full, corrupt. what() is a sentence for the
// user.
class StoreError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
// Another server has the store.
class StoreInUse : public StoreError {
 public:
  using StoreError::StoreError;
};

// The writes of one round, applied whole or not at all.
using ChangeSet = std::vector<core::Write>;

enum class Bucket { queue, batch, report, fail };
[[nodiscard]] std::string_view word(Bucket bucket);

// A change set puts what is in the bucket already, or drops what is not. Both throw StoreError.
[[noreturn]] void refuse_put(Bucket bucket, const core::Xid& id);
[[noreturn]] void refuse_drop(Bucket bucket, const core::Xid& id);

// How many msgs are in each bucket; for `batch` the msgs in the batches, not the batches.
struct BucketCounts {
  std::uint64_t queue = 0, batch = 0, report = 0, fail = 0;
  friend bool operator==(const BucketCounts&, const BucketCounts&) = default;
};

template <class Record>
struct Page {
  std::vector<Record> records;  // in the order of their ids: oldest first
  bool more = false;
};

// How much a page holds at most. It ends with the record that takes it to `bytes`, about as large as it
// is stored: one record is always there, if there is one.
struct Most {
  std::size_t records;
  std::size_t bytes;
  Most(std::size_t most_records, std::size_t most_bytes = SIZE_MAX)  // NOLINT: a number will do
      : records(most_records), bytes(most_bytes) {}
};

// Reads of what is committed. Any thread may read while another commits; every call is one short
// read transaction of its own. Errors: StoreError.
class BucketView {
 public:
  virtual ~BucketView() = default;
  // Ids after `after` (exclusive; none: from the start), at most `limit`. For `batch`: the ids of
  // msgs.
  [[nodiscard]] virtual Page<core::Xid> ids(Bucket bucket, std::optional<core::Xid> after,
                                            std::size_t limit) const = 0;
  // `bytes`: it ends, too, behind the msg with which it has as many QueuedMsg::memory_bytes().
  [[nodiscard]] virtual Page<core::QueuedMsg> queue(std::optional<core::Xid> after,
                                                    std::size_t limit,
                                                    std::size_t bytes = SIZE_MAX) const = 0;
  // These msgs, which must be in the queue, in this order; the last are left out behind the one
  // with which they have so many QueuedMsg::memory_bytes().
  [[nodiscard]] virtual std::vector<core::QueuedMsg> queued(const std::vector<core::Xid>& ids,
                                                            std::size_t bytes) const = 0;
  [[nodiscard]] virtual Page<core::ReportRecord> reports(std::optional<core::Xid> after,
                                                         Most most) const = 0;
  [[nodiscard]] virtual Page<core::FailRecord> fails(std::optional<core::Xid> after,
                                                     Most most) const = 0;
  [[nodiscard]] virtual std::vector<core::Batch> batches() const = 0;
  [[nodiscard]] virtual std::optional<core::ReportRecord> report(const core::Xid& id) const = 0;
  [[nodiscard]] virtual std::optional<core::FailRecord> fail(const core::Xid& id) const = 0;
  // In which of queue, report and fail a msg is. Held msgs are not looked for: `batch` is keyed by
  // batch.
  [[nodiscard]] virtual std::optional<Bucket> find(const core::Xid& id) const = 0;
  // `find` for many at once, in one transaction.
  [[nodiscard]] virtual std::vector<std::optional<Bucket>> find_all(
      const std::vector<core::Xid>& ids) const = 0;
  // The highest id in queue, report and fail up to `id`.
  [[nodiscard]] virtual std::optional<core::Xid> last_up_to(const core::Xid& id) const = 0;
  [[nodiscard]] virtual BucketCounts counts() const = 0;
  // A number of the bucket `meta`.
  [[nodiscard]] virtual std::optional<std::uint64_t> meta(const std::string& key) const = 0;
};

class Store : public BucketView {
 public:
  // Durable when it returns. A failure is final: what the disk holds is unknown until the next
  // load, so the process must not go on. One thread at a time. Errors: StoreError.
  virtual void commit(const ChangeSet& changes) = 0;
  // How full it is, 0 … 1 and beyond, free pages counted as free; looks at its disk, too, for what follows.
  // Cheap enough to be asked after every commit; by the thread that commits.
  [[nodiscard]] virtual double fill() const = 0;
  // The disk below it has less left than it should. As the last `fill` found it.
  [[nodiscard]] virtual bool disk_is_low() const { return false; }
  // What commits may still take for sure, free pages of the store and of its disk counted, and without
  // what each commit takes for itself; of the disk, as the last `fill` found it. Endless where there is
  // no bound. By the thread that commits.
  [[nodiscard]] virtual core::Room room() const { return core::Room::endless(); }
  // What whoever runs the server should know, once each time it begins, or nothing. Cheap enough to be
  // asked after every commit; by the thread that commits.
  [[nodiscard]] virtual std::optional<std::string> warning() { return std::nullopt; }
};

}  // namespace pena::store
