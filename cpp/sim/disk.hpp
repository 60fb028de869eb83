// A disk that can be pulled: what was committed is only there for good once it was synced. A change
// set is written whole or not at all, as the checksums and the two meta pages of LMDB have it; that
// LMDB keeps this on real bytes is what tests/crash shows.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/oracle.hpp"
#include "store/memory_store.hpp"
#include "store/store.hpp"

namespace pena::sim {

// What there is too little of. To the brim: what is held may still become something else, and no more.
enum class Shortage {
  none,
  store,        // it is too full to take new work, not to go on with what there is
  disk,         // so is the disk below it
  brim,         // of the store, which says that it is full
  untold_brim,  // it does not say so: others have taken the room, or it is kept for what is held
};
inline constexpr std::array kShortages{Shortage::store, Shortage::disk, Shortage::brim,
                                       Shortage::untold_brim};

class Disk final : public store::Store {
 public:
  Disk(Oracle& oracle, const core::Limits& limits)
      : oracle_(oracle),
        limits_(limits),
        live_(store::make_memory_store()),
        durable_(store::make_memory_store()) {}

  // Into the page cache.
  void commit(const store::ChangeSet& changes) override;
  // What was committed so far is there for good.
  void sync() { keep(unsynced_.size()); }
  [[nodiscard]] std::size_t unsynced() const { return unsynced_.size(); }
  // The process is gone, or the power: of what was not synced the first `kept` change sets are
  // there.
  void cut(std::size_t kept) {
    keep(kept);
    unsynced_.clear();
    live_ = copy_of(*durable_);
    // What was lost may have taken less room than what it replaced.
    if (to_the_brim()) most_pages_ = std::max(most_pages_, needed_pages());
  }
  // Where there is one already, that one stays.
  void begin_shortage(Shortage shortage);
  void end_shortage() { shortage_ = Shortage::none; }
  // New work is refused.
  [[nodiscard]] bool full() const { return shortage_ != Shortage::none; }
  [[nodiscard]] bool to_the_brim() const {
    return shortage_ == Shortage::brim || shortage_ == Shortage::untold_brim;
  }
  // For whatever becomes of any one msg of the queue, beside all that is held.
  [[nodiscard]] bool has_room_for_one() const;
  [[nodiscard]] const store::BucketView& durable() const { return *durable_; }

  [[nodiscard]] double fill() const override {
    return shortage_ == Shortage::store || shortage_ == Shortage::brim ? 0.9 : 0.0;
  }
  [[nodiscard]] bool disk_is_low() const override { return shortage_ == Shortage::disk; }
  [[nodiscard]] core::Room room() const override;
  [[nodiscard]] store::Page<core::Xid> ids(store::Bucket bucket, std::optional<core::Xid> after,
                                           std::size_t limit) const override {
    return live_->ids(bucket, after, limit);
  }
  [[nodiscard]] store::Page<core::QueuedMsg> queue(std::optional<core::Xid> after,
                                                   std::size_t limit,
                                                   std::size_t bytes) const override {
    auto page = live_->queue(after, limit, bytes);
    read_ += page.records.size();
    return page;
  }
  [[nodiscard]] std::vector<core::QueuedMsg> queued(const std::vector<core::Xid>& ids,
                                                    std::size_t bytes) const override {
    return live_->queued(ids, bytes);
  }
  // How many msgs of the queue were read page by page since the last call.
  [[nodiscard]] std::size_t take_read() { return std::exchange(read_, 0); }
  [[nodiscard]] store::Page<core::ReportRecord> reports(std::optional<core::Xid> after,
                                                        store::Most most) const override {
    return live_->reports(after, most);
  }
  [[nodiscard]] store::Page<core::FailRecord> fails(std::optional<core::Xid> after,
                                                    store::Most most) const override {
    return live_->fails(after, most);
  }
  [[nodiscard]] std::vector<core::Batch> batches() const override { return live_->batches(); }
  [[nodiscard]] std::optional<core::ReportRecord> report(const core::Xid& id) const override {
    return live_->report(id);
  }
  [[nodiscard]] std::optional<core::FailRecord> fail(const core::Xid& id) const override {
    return live_->fail(id);
  }
  [[nodiscard]] std::optional<store::Bucket> find(const core::Xid& id) const override {
    return live_->find(id);
  }
  [[nodiscard]] std::vector<std::optional<store::Bucket>> find_all(
      const std::vector<core::Xid>& ids) const override {
    return live_->find_all(ids);
  }
  [[nodiscard]] std::optional<core::Xid> last_up_to(const core::Xid& id) const override {
    return live_->last_up_to(id);
  }
  [[nodiscard]] store::BucketCounts counts() const override { return live_->counts(); }
  [[nodiscard]] std::optional<std::uint64_t> meta(const std::string& key) const override {
    return live_->meta(key);
  }

 private:
  void keep(std::size_t change_sets) {
    for (std::size_t i = 0; i < change_sets; ++i) {
      durable_->commit(unsynced_[i]);
      oracle_.durable(unsynced_[i]);
    }
    unsynced_.erase(unsynced_.begin(),
                    unsynced_.begin() + static_cast<std::ptrdiff_t>(change_sets));
  }
  [[nodiscard]] static std::unique_ptr<store::Store> copy_of(const store::BucketView& from);
  // A page for each msg that waits or is held and for each batch, two for each that has ended: so what
  // becomes of a held msg takes more room than it has.
  [[nodiscard]] std::uint64_t used_pages() const;
  // And with what held msgs may still need.
  [[nodiscard]] std::uint64_t needed_pages() const;

  Oracle& oracle_;
  const core::Limits& limits_;
  std::unique_ptr<store::Store> live_;
  std::unique_ptr<store::Store> durable_;
  std::vector<store::ChangeSet> unsynced_;
  Shortage shortage_ = Shortage::none;
  mutable std::size_t read_ = 0;
  std::uint64_t most_pages_ = 0;  // while it is so
};

}  // namespace pena::sim
