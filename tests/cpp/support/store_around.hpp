// Another store with something changed: whatever a test does not override goes to the store inside.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/store.hpp"

namespace pena::test {

class StoreAround : public store::Store {
 public:
  explicit StoreAround(std::unique_ptr<store::Store> kept) : kept_(std::move(kept)) {}

  using Id = std::optional<core::Xid>;
  void commit(const store::ChangeSet& changes) override { kept_->commit(changes); }
  [[nodiscard]] double fill() const override { return kept_->fill(); }
  [[nodiscard]] bool disk_is_low() const override { return kept_->disk_is_low(); }
  [[nodiscard]] core::Room room() const override { return kept_->room(); }
  [[nodiscard]] std::optional<std::string> warning() override { return kept_->warning(); }
  [[nodiscard]] store::Page<core::Xid> ids(store::Bucket bucket, Id after,
                                           std::size_t limit) const override {
    return kept_->ids(bucket, after, limit);
  }
  [[nodiscard]] store::Page<core::QueuedMsg> queue(Id after, std::size_t limit,
                                                   std::size_t bytes) const override {
    return kept_->queue(after, limit, bytes);
  }
  [[nodiscard]] std::vector<core::QueuedMsg> queued(const std::vector<core::Xid>& ids,
                                                    std::size_t bytes) const override {
    return kept_->queued(ids, bytes);
  }
  [[nodiscard]] store::Page<core::ReportRecord> reports(Id after, store::Most most) const override {
    return kept_->reports(after, most);
  }
  [[nodiscard]] store::Page<core::FailRecord> fails(Id after, store::Most most) const override {
    return kept_->fails(after, most);
  }
  [[nodiscard]] std::vector<core::Batch> batches() const override { return kept_->batches(); }
  [[nodiscard]] std::optional<core::ReportRecord> report(const core::Xid& id) const override {
    return kept_->report(id);
  }
  [[nodiscard]] std::optional<core::FailRecord> fail(const core::Xid& id) const override {
    return kept_->fail(id);
  }
  [[nodiscard]] std::optional<store::Bucket> find(const core::Xid& id) const override {
    return kept_->find(id);
  }
  [[nodiscard]] std::vector<std::optional<store::Bucket>> find_all(
      const std::vector<core::Xid>& ids) const override {
    return kept_->find_all(ids);
  }
  [[nodiscard]] Id last_up_to(const core::Xid& id) const override { return kept_->last_up_to(id); }
  [[nodiscard]] store::BucketCounts counts() const override { return kept_->counts(); }
  [[nodiscard]] std::optional<std::uint64_t> meta(const std::string& key) const override {
    return kept_->meta(key);
  }

 private:
  std::unique_ptr<store::Store> kept_;
};

}  // namespace pena::test
