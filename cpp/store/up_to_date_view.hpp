// A view of a store that has a log in front of it: a read is of all that was acknowledged when it was asked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/view.hpp"

namespace pena::store {

// Each read is one of the view that `settled` returns: it has what was acknowledged when it was called. Threads as
// those of `settled` and of that view.
class UpToDateView final : public View {
 public:
  explicit UpToDateView(std::function<const View&()> settled) : settled_(std::move(settled)) {}

  [[nodiscard]] Page<core::Xid> ids(Bucket bucket, std::optional<core::Xid> after,
                                    std::size_t limit) const override {
    return settled_().ids(bucket, after, limit);
  }
  [[nodiscard]] Page<core::QueuedMsg> queue(core::QueueNumber queue, std::optional<core::Xid> after,
                                            std::size_t limit, std::size_t bytes) const override {
    return settled_().queue(queue, after, limit, bytes);
  }
  [[nodiscard]] Page<core::QueuedMsg> later(const std::optional<LaterPlace>& after,
                                            Most most) const override {
    return settled_().later(after, most);
  }
  [[nodiscard]] Page<core::ReportRecord> reports_since(std::uint64_t order,
                                                       Most most) const override {
    return settled_().reports_since(order, most);
  }
  [[nodiscard]] Page<core::FailRecord> fails_since(std::uint64_t order, Most most) const override {
    return settled_().fails_since(order, most);
  }
  [[nodiscard]] std::vector<QueueInfo> queues() const override { return settled_().queues(); }
  [[nodiscard]] std::string queue_name(core::QueueNumber queue) const override {
    return settled_().queue_name(queue);
  }
  [[nodiscard]] std::optional<core::QueueNumber> find_queue(std::string_view name) const override {
    return settled_().find_queue(name);
  }
  [[nodiscard]] std::optional<core::Xid> find_key(core::QueueNumber queue,
                                                  const std::string& key) const override {
    return settled_().find_key(queue, key);
  }
  [[nodiscard]] std::optional<core::QueuedMsg> waiting(const core::Xid& id) const override {
    return settled_().waiting(id);
  }
  [[nodiscard]] Page<core::ReportRecord> reports(std::optional<core::Xid> after,
                                                 Most most) const override {
    return settled_().reports(after, most);
  }
  [[nodiscard]] Page<core::FailRecord> fails(std::optional<core::Xid> after,
                                             Most most) const override {
    return settled_().fails(after, most);
  }
  [[nodiscard]] std::vector<core::Batch> batches() const override { return settled_().batches(); }
  [[nodiscard]] std::optional<core::Batch> batch(const core::Xid& id) const override {
    return settled_().batch(id);
  }
  [[nodiscard]] std::optional<core::ReportRecord> report(const core::Xid& id) const override {
    return settled_().report(id);
  }
  [[nodiscard]] std::optional<core::FailRecord> fail(const core::Xid& id) const override {
    return settled_().fail(id);
  }
  [[nodiscard]] std::optional<AnyRecord> record(const core::Xid& id) const override {
    return settled_().record(id);
  }
  [[nodiscard]] std::optional<Bucket> find(const core::Xid& id) const override {
    return settled_().find(id);
  }
  [[nodiscard]] std::vector<std::optional<Bucket>> find_all(
      const std::vector<core::Xid>& ids) const override {
    return settled_().find_all(ids);
  }
  [[nodiscard]] BucketCounts counts() const override { return settled_().counts(); }
  [[nodiscard]] std::optional<std::uint64_t> meta(const std::string& key) const override {
    return settled_().meta(key);
  }

 private:
  std::function<const View&()> settled_;
};

}  // namespace pena::store
