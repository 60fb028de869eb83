// What people, and whoever looks at a store from outside, read of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/msg.hpp"
#include "store/records.hpp"

namespace pena::store {

// Reads of what is committed. Any thread may read while another commits; every call is one short
// read transaction of its own. Errors: StoreError.
class View {
 public:
  virtual ~View() = default;
  // Ids after `after` (exclusive; none: from the start), at most `limit`. For `batch`: the ids of
  // msgs.
  [[nodiscard]] virtual Page<core::Xid> ids(Bucket bucket, std::optional<core::Xid> after,
                                            std::size_t limit) const = 0;
  // `bytes`: it ends, too, behind the msg with which it has as many QueuedMsg::memory_bytes().
  [[nodiscard]] virtual Page<core::QueuedMsg> queue(core::QueueNumber queue,
                                                    std::optional<core::Xid> after,
                                                    std::size_t limit,
                                                    std::size_t bytes = SIZE_MAX) const = 0;
  // As that of an Index.
  [[nodiscard]] virtual Page<core::QueuedMsg> later(const std::optional<LaterPlace>& after,
                                                    Most most) const = 0;
  // What was settled behind that place (0: from the start), in the order in which it was.
  [[nodiscard]] virtual Page<core::ReportRecord> reports_since(std::uint64_t order,
                                                               Most most) const = 0;
  [[nodiscard]] virtual Page<core::FailRecord> fails_since(std::uint64_t order,
                                                           Most most) const = 0;
  [[nodiscard]] virtual std::vector<QueueInfo> queues() const = 0;
  // What a queue is called; empty where it has no name, or is not there.
  [[nodiscard]] virtual std::string queue_name(core::QueueNumber queue) const = 0;
  // Which queue is called so. It looks through all of them.
  [[nodiscard]] virtual std::optional<core::QueueNumber> find_queue(
      std::string_view name) const = 0;
  // Which msg is called so.
  [[nodiscard]] virtual std::optional<core::Xid> find_key(core::QueueNumber queue,
                                                          const std::string& key) const = 0;
  // A msg that waits, in a queue or to be due. Held ones are in their batches.
  [[nodiscard]] virtual std::optional<core::QueuedMsg> waiting(const core::Xid& id) const = 0;
  [[nodiscard]] virtual Page<core::ReportRecord> reports(std::optional<core::Xid> after,
                                                         Most most) const = 0;
  [[nodiscard]] virtual Page<core::FailRecord> fails(std::optional<core::Xid> after,
                                                     Most most) const = 0;
  [[nodiscard]] virtual std::vector<core::Batch> batches() const = 0;
  [[nodiscard]] virtual std::optional<core::Batch> batch(const core::Xid& id) const = 0;
  [[nodiscard]] virtual std::optional<core::ReportRecord> report(const core::Xid& id) const = 0;
  [[nodiscard]] virtual std::optional<core::FailRecord> fail(const core::Xid& id) const = 0;
  // What there is of a msg that no batch holds, wherever it is; none where neither of queue, later, report
  // and fail has it.
  [[nodiscard]] virtual std::optional<AnyRecord> record(const core::Xid& id) const = 0;
  // In which of queue, later, report and fail a msg is. Held msgs are not looked for: `batch` is keyed by
  // batch.
  [[nodiscard]] virtual std::optional<Bucket> find(const core::Xid& id) const = 0;
  // `find` for many at once, in one transaction.
  [[nodiscard]] virtual std::vector<std::optional<Bucket>> find_all(
      const std::vector<core::Xid>& ids) const = 0;
  // Reads every held batch, and checks it.
  [[nodiscard]] virtual BucketCounts counts() const = 0;
  // A number of the bucket `meta`.
  [[nodiscard]] virtual std::optional<std::uint64_t> meta(const std::string& key) const = 0;
};

}  // namespace pena::store
