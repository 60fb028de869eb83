// A disk that can be pulled: what was appended is only there for good once it was synced. A change
// set is written whole or not at all, as the checksums and the two meta pages of LMDB have it; that
// LMDB keeps this on real bytes is what tests/crash shows.
//
//   appended ──sync──▶ durable ──apply──▶ in the index
//
// Of a store that is its own log the index has a change set as soon as it is appended. With a log in front of the
// store it is written to that when it is synced, and the index has it later: it may have more than its owner
// knows of. That log is the server's own (sim/log_disk.hpp).
#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/dice.hpp"
#include "sim/log_disk.hpp"
#include "sim/oracle.hpp"
#include "store/forwarding_store.hpp"
#include "store/log_store.hpp"
#include "store/memory_store.hpp"
#include "store/up_to_date_view.hpp"

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

// The store inside is the index: all that was appended, or of a log what was applied.
class Disk final : public store::ForwardingStore {
 public:
  // `has_log`: a log in front of the store.
  Disk(Oracle& oracle, const core::Limits& limits, bool has_log, Dice dice);
  ~Disk() override { replace_inside(nullptr); }  // before its files
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  // Into the page cache.
  store::Ticket append(std::shared_ptr<const store::ChangeSet> changes) override;
  void commit(const store::ChangeSet& changes) override {
    (void)append(std::make_shared<const store::ChangeSet>(changes));
  }
  [[nodiscard]] store::Ticket durable() override;
  [[nodiscard]] store::Ticket applied() const override {
    return log_ != nullptr ? applied_up_to_ : appended_;
  }
  void catch_up() override {
    settle();
    (void)durable();
  }
  [[nodiscard]] store::Ticket appended() const { return appended_; }
  // What was appended up to there is there for good.
  void sync(store::Ticket up_to);
  // The index takes on what is durable, and its owner hears of that at the next look at what is durable.
  void let_apply();
  [[nodiscard]] std::size_t unsynced() const { return appended_ - synced_; }
  // The process is gone, or the power: of what was not synced the first `kept` change sets are
  // there. Whoever comes next finds all that is there applied.
  void cut(std::size_t kept);
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
  // What is there for good.
  [[nodiscard]] const store::View& durable_view() const { return *durable_; }
  // What readers beside the server see.
  [[nodiscard]] const store::View& view() const {
    if (log_ == nullptr) return *durable_;
    return people_;
  }

  [[nodiscard]] double fill() const override {
    return shortage_ == Shortage::store || shortage_ == Shortage::brim ? 0.9 : 0.0;
  }
  [[nodiscard]] bool disk_is_low() const override { return shortage_ == Shortage::disk; }
  [[nodiscard]] core::Room room() const override;
  // What is asked within a round: between two questions the index may move.
  [[nodiscard]] store::Page<core::QueuedMsg> queue(core::QueueNumber queue,
                                                   std::optional<core::Xid> after,
                                                   std::size_t limit,
                                                   std::size_t bytes) const override {
    auto page = moved().queue(queue, after, limit, bytes);
    read_ += page.records.size();
    return page;
  }
  [[nodiscard]] std::vector<core::QueuedMsg> queued(core::QueueNumber queue,
                                                    const std::vector<core::Xid>& ids,
                                                    std::size_t bytes) const override {
    return moved().queued(queue, ids, bytes);
  }
  [[nodiscard]] store::Page<core::QueuedMsg> later(const std::optional<store::LaterPlace>& after,
                                                   store::Most most) const override {
    return moved().later(after, most);
  }
  [[nodiscard]] std::optional<core::Instant> next_due() const override {
    return moved().next_due();
  }
  [[nodiscard]] std::vector<std::optional<store::Bucket>> find_all(
      const std::vector<core::Xid>& ids) const override {
    return moved().find_all(ids);
  }
  [[nodiscard]] std::vector<std::optional<core::Xid>> find_keys(
      const std::vector<Key>& keys) const override {
    return moved().find_keys(keys);
  }
  [[nodiscard]] std::vector<std::optional<core::Content>> contents(
      const std::vector<Found>& msgs) const override {
    return moved().contents(msgs);
  }
  [[nodiscard]] std::optional<core::QueuedMsg> waiting(const core::Xid& id) const override {
    return moved().waiting(id);
  }
  [[nodiscard]] std::optional<core::ReportRecord> report(const core::Xid& id) const override {
    return moved().report(id);
  }
  [[nodiscard]] std::optional<core::FailRecord> fail(const core::Xid& id) const override {
    return moved().fail(id);
  }
  [[nodiscard]] store::Page<core::ReportRecord> reports_since(std::uint64_t order,
                                                              store::Most most) const override {
    return moved().reports_since(order, most);
  }
  [[nodiscard]] store::Page<core::FailRecord> fails_since(std::uint64_t order,
                                                          store::Most most) const override {
    return moved().fails_since(order, most);
  }
  // How many msgs are to be taken out of the queue by what is not durable and in the index yet.
  [[nodiscard]] std::size_t leaving() const;
  // How many msgs of the queue were read page by page since the last call.
  [[nodiscard]] std::size_t take_read() { return std::exchange(read_, 0); }

 private:
  // The index, to which another thread may have applied what is durable since the last look; its owner does
  // not hear of that before the next look at what is durable.
  [[nodiscard]] const store::Store& moved() const;
  void settle();
  void note_applied();
  void open_log();
  void log_falls();
  [[nodiscard]] bool has_lost_nothing() const;
  // All that was appended.
  [[nodiscard]] const store::Store& live() const { return log_ != nullptr ? *ahead_ : inside(); }
  static void check_metas(const store::ChangeSet& changes);
  static void put_key(const core::Msg& msg, store::ChangeSet& all);
  [[nodiscard]] static store::ChangeSet all_of(const store::View& from);
  [[nodiscard]] static std::unique_ptr<store::Store> copy_of(const store::View& from);
  // A page for each msg that waits or is held and for each batch, two for each that has ended: so what
  // becomes of a held msg takes more room than it has.
  [[nodiscard]] static std::uint64_t used_pages(const store::View& store);
  // And with what held msgs may still need.
  [[nodiscard]] std::uint64_t needed_pages() const;

  Oracle& oracle_;
  const core::Limits& limits_;
  std::unique_ptr<store::Store> durable_;  // what was synced
  std::unique_ptr<store::Store> ahead_;    // all that was appended, where that is not the index
  // What is not in all of them, the oldest first.
  std::deque<std::shared_ptr<const store::ChangeSet>> changes_;
  // Tickets of this run and those before it. begun_: the last one of those before it.
  store::Ticket appended_ = 0, synced_ = 0, in_index_ = 0, applied_up_to_ = 0, begun_ = 0;
  mutable Dice moves_;
  LogDisk files_;
  store::LogStore* log_ = nullptr;  // the store inside; null: there is no log in front of it
  store::UpToDateView people_;
  Shortage shortage_ = Shortage::none;
  mutable std::size_t read_ = 0;
  std::uint64_t most_pages_ = 0;  // while it is so
  store::Ticket begun_at_ = 0;    // since after that change set
};

}  // namespace pena::sim
