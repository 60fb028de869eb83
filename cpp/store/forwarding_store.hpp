// A store around another one. Whoever changes something about a store derives from it and overrides
// what is to be different: the simulator's disk, and tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/store.hpp"

namespace pena::store {

// Whatever is not overridden goes to the store inside. Tickets are its own: append() is commit() with
// a number, so one override of commit() meets every change set.
class ForwardingStore : public Store {
 public:
  explicit ForwardingStore(std::unique_ptr<Store> inside) : inside_(std::move(inside)) {}

  void commit(const ChangeSet& changes) override { inside_->commit(changes); }

  // The index's.
  [[nodiscard]] std::vector<core::QueuedMsg> queued(core::QueueNumber queue,
                                                    const std::vector<core::Xid>& ids,
                                                    std::size_t bytes) const override {
    return inside_->queued(queue, ids, bytes);
  }
  [[nodiscard]] std::optional<core::Instant> next_due() const override {
    return inside_->next_due();
  }
  [[nodiscard]] std::vector<std::optional<core::Xid>> find_keys(
      const std::vector<Key>& keys) const override {
    return inside_->find_keys(keys);
  }
  [[nodiscard]] std::vector<std::optional<core::Content>> contents(
      const std::vector<Found>& msgs) const override {
    return inside_->contents(msgs);
  }
  [[nodiscard]] std::optional<core::Xid> last_up_to(const core::Xid& id) const override {
    return inside_->last_up_to(id);
  }
  [[nodiscard]] double fill() const override { return inside_->fill(); }
  [[nodiscard]] bool disk_is_low() const override { return inside_->disk_is_low(); }
  [[nodiscard]] core::Room room() const override { return inside_->room(); }
  [[nodiscard]] std::optional<std::string> warning() override { return inside_->warning(); }

  // The view's, and what both have.
  [[nodiscard]] Page<core::Xid> ids(Bucket bucket, std::optional<core::Xid> after,
                                    std::size_t limit) const override {
    return inside_->ids(bucket, after, limit);
  }
  [[nodiscard]] Page<core::QueuedMsg> queue(core::QueueNumber queue, std::optional<core::Xid> after,
                                            std::size_t limit, std::size_t bytes) const override {
    return inside_->queue(queue, after, limit, bytes);
  }
  [[nodiscard]] Page<core::QueuedMsg> later(const std::optional<LaterPlace>& after,
                                            Most most) const override {
    return inside_->later(after, most);
  }
  [[nodiscard]] Page<core::ReportRecord> reports_since(std::uint64_t order,
                                                       Most most) const override {
    return inside_->reports_since(order, most);
  }
  [[nodiscard]] Page<core::FailRecord> fails_since(std::uint64_t order, Most most) const override {
    return inside_->fails_since(order, most);
  }
  [[nodiscard]] std::vector<QueueInfo> queues() const override { return inside_->queues(); }
  [[nodiscard]] std::string queue_name(core::QueueNumber queue) const override {
    return inside_->queue_name(queue);
  }
  [[nodiscard]] std::optional<core::QueueNumber> find_queue(std::string_view name) const override {
    return inside_->find_queue(name);
  }
  [[nodiscard]] std::optional<core::Xid> find_key(core::QueueNumber queue,
                                                  const std::string& key) const override {
    return inside_->find_key(queue, key);
  }
  [[nodiscard]] std::optional<core::QueuedMsg> waiting(const core::Xid& id) const override {
    return inside_->waiting(id);
  }
  [[nodiscard]] Page<core::ReportRecord> reports(std::optional<core::Xid> after,
                                                 Most most) const override {
    return inside_->reports(after, most);
  }
  [[nodiscard]] Page<core::FailRecord> fails(std::optional<core::Xid> after,
                                             Most most) const override {
    return inside_->fails(after, most);
  }
  [[nodiscard]] std::vector<core::Batch> batches() const override { return inside_->batches(); }
  [[nodiscard]] std::optional<core::Batch> batch(const core::Xid& id) const override {
    return inside_->batch(id);
  }
  [[nodiscard]] std::optional<core::ReportRecord> report(const core::Xid& id) const override {
    return inside_->report(id);
  }
  [[nodiscard]] std::optional<core::FailRecord> fail(const core::Xid& id) const override {
    return inside_->fail(id);
  }
  [[nodiscard]] std::optional<AnyRecord> record(const core::Xid& id) const override {
    return inside_->record(id);
  }
  [[nodiscard]] std::optional<Bucket> find(const core::Xid& id) const override {
    return inside_->find(id);
  }
  [[nodiscard]] std::vector<std::optional<Bucket>> find_all(
      const std::vector<core::Xid>& ids) const override {
    return inside_->find_all(ids);
  }
  [[nodiscard]] BucketCounts counts() const override { return inside_->counts(); }
  [[nodiscard]] std::optional<std::uint64_t> meta(const std::string& key) const override {
    return inside_->meta(key);
  }

 protected:
  [[nodiscard]] Store& inside() { return *inside_; }
  [[nodiscard]] const Store& inside() const { return *inside_; }
  void replace_inside(std::unique_ptr<Store> inside) { inside_ = std::move(inside); }
  [[nodiscard]] std::unique_ptr<Store> take_inside() { return std::move(inside_); }

 private:
  std::unique_ptr<Store> inside_;
};

}  // namespace pena::store
