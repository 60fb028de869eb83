#include "sim/disk.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "core/check.hpp"
#include "sim/law.hpp"
#include "store/change_bytes.hpp"

namespace pena::sim {

Disk::Disk(Oracle& oracle, const core::Limits& limits, bool has_log, Dice dice)
    : ForwardingStore(nullptr),
      oracle_(oracle),
      limits_(limits),
      durable_(store::make_memory_store()),
      moves_(dice.next()),
      files_(dice),
      people_([this]() -> const store::View& {
        settle();
        return inside();
      }) {
  if (has_log) {
    ahead_ = store::make_memory_store();
    open_log();
  } else {
    replace_inside(store::make_memory_store());
  }
}

store::Ticket Disk::append(std::shared_ptr<const store::ChangeSet> changes) {
  check_metas(*changes);
  if (log_ != nullptr) {
    ahead_->commit(*changes);
  } else {
    inside().commit(*changes);
  }
  changes_.push_back(std::move(changes));
  ++appended_;
  // A round that was open when the shortage began could not know of it.
  if (appended_ == begun_at_ + 1) most_pages_ = std::max(most_pages_, needed_pages());
  // And then there is still room for whatever becomes of what is held. What is kept for a batch has the
  // page of its record, too, and the pages of this store are not quite those that the core counts in.
  constexpr std::uint64_t kRounding = 8;
  if (to_the_brim() && needed_pages() > most_pages_ + live().batches().size() + kRounding) {
    throw LawBroken("room", "a round leaves " + std::to_string(most_pages_) + " pages, and " +
                                std::to_string(needed_pages()) + " may be needed");
  }
  return appended_;
}

// One that is in no list would be gone after a crash of this disk, and of no other.
void Disk::check_metas(const store::ChangeSet& changes) {
  for (const core::Write& write : changes) {
    const auto* const put = std::get_if<core::PutMeta>(&write);
    PENA_CHECK(put == nullptr || std::ranges::find(store::kMetas, put->key) != store::kMetas.end());
  }
}

store::Ticket Disk::durable() {
  note_applied();
  applied_up_to_ = in_index_;
  return synced_;
}

void Disk::sync(store::Ticket up_to) {
  while (synced_ < up_to) {
    const auto next = changes_[changes_.size() - unsynced()];
    if (log_ != nullptr) (void)log_->append(next);
    durable_->commit(*next);
    oracle_.durable(++synced_, *next);
    if (log_ == nullptr) changes_.pop_front();
  }
  note_applied();
}

void Disk::let_apply() {
  if (log_ == nullptr) return;
  files_.apply(*log_);
  note_applied();
}

const store::Store& Disk::moved() const {
  constexpr double kMoves = 0.2;
  if (log_ != nullptr && moves_.chance(kMoves)) (void)log_->apply();
  return inside();
}

void Disk::settle() {
  if (log_ == nullptr) return;
  log_->settle();
  note_applied();
}

void Disk::note_applied() {
  if (log_ == nullptr) return;
  (void)log_->durable();
  for (; in_index_ < begun_ + log_->applied(); ++in_index_) changes_.pop_front();
}

std::size_t Disk::leaving() const {
  std::size_t count = 0;
  for (const auto& changes : changes_) {
    count += static_cast<std::size_t>(std::ranges::count_if(*changes, [](const core::Write& write) {
      return std::holds_alternative<core::DropQueue>(write);
    }));
  }
  return count;
}

void Disk::cut(std::size_t kept) {
  oracle_.dies();
  sync(synced_ + kept);
  if (log_ != nullptr) {
    log_falls();
    ahead_ = copy_of(*durable_);
  } else {
    replace_inside(copy_of(*durable_));
  }
  changes_.clear();
  in_index_ = applied_up_to_ = begun_ = appended_ = synced_;
  // What was lost may have taken less room than what it replaced.
  if (to_the_brim()) most_pages_ = std::max(most_pages_, needed_pages());
}

void Disk::open_log() {
  auto opened = files_.opened();
  log_ = opened.get();
  replace_inside(std::move(opened));
}

// It may fall within the append of what comes next, and then that is there or not.
void Disk::log_falls() {
  const auto next = unsynced() > 0 ? changes_[changes_.size() - unsynced()] : nullptr;
  files_.fall(*log_, next);
  replace_inside(nullptr);
  open_log();
  if (next && !has_lost_nothing()) {
    durable_->commit(*next);
    oracle_.durable(++synced_, *next);
  }
  law(has_lost_nothing(), "log", "after a crash the store has not what the log had taken");
}

bool Disk::has_lost_nothing() const {
  std::string found, expected;
  store::encode(all_of(inside()), found);
  store::encode(all_of(*durable_), expected);
  return found == expected;
}

void Disk::begin_shortage(Shortage shortage) {
  if (full()) return;
  shortage_ = shortage;
  most_pages_ = needed_pages();
  begun_at_ = appended_;
}

std::uint64_t Disk::needed_pages() const {
  std::uint64_t pages = used_pages(live());
  for (const core::Batch& batch : live().batches()) {
    core::BatchRoom room{limits_};
    for (const core::QueuedMsg& msg : batch.msgs) room.add(msg);
    pages += room.total().pages;
  }
  return pages;
}

core::Room Disk::room() const {
  if (!to_the_brim()) return core::Room::endless();
  const std::uint64_t used = used_pages(inside());
  const std::uint64_t left = most_pages_ > used ? most_pages_ - used : 0;
  return {left, left};
}

bool Disk::has_room_for_one() const {
  if (!to_the_brim()) return true;
  std::uint64_t largest = 0;
  for (const store::QueueInfo& queue : live().queues()) {
    for (const core::QueuedMsg& msg : live().queue(queue.number, {}, SIZE_MAX, SIZE_MAX).records) {
      core::BatchRoom room{limits_};
      room.add(msg);
      largest = std::max(largest, room.total().pages);
    }
  }
  return needed_pages() + largest <= most_pages_;
}

std::uint64_t Disk::used_pages(const store::View& store) {
  const store::BucketCounts counts = store.counts();
  return counts.queue + counts.later + counts.batch + store.batches().size() +
         2 * (counts.report + counts.fail);
}

void Disk::put_key(const core::Msg& msg, store::ChangeSet& all) {
  if (!msg.key.empty()) all.emplace_back(core::PutKey{msg.queue, msg.key, msg.id});
}

// Reports and failures in the order in which they were settled, which their numbers say.
store::ChangeSet Disk::all_of(const store::View& from) {
  store::ChangeSet all;
  for (const store::QueueInfo& queue : from.queues()) {
    if (!queue.name.empty() || queue.paused) {
      all.emplace_back(core::PutQueueName{queue.number, queue.name, queue.paused});
    }
    for (auto& msg : from.queue(queue.number, {}, SIZE_MAX).records) {
      put_key(msg.msg, all);
      all.emplace_back(core::PutQueue{std::move(msg)});
    }
  }
  for (auto& msg : from.later({}, SIZE_MAX).records) {
    put_key(msg.msg, all);
    all.emplace_back(core::PutLater{std::move(msg)});
  }
  for (auto& batch : from.batches()) {
    for (const core::QueuedMsg& msg : batch.msgs) put_key(msg.msg, all);
    all.emplace_back(core::PutBatch{std::make_shared<const core::Batch>(std::move(batch))});
  }
  for (auto& record : from.reports_since(0, SIZE_MAX).records) {
    if (!record.key.empty()) all.emplace_back(core::PutKey{record.queue, record.key, record.id});
    all.emplace_back(core::PutReport{std::move(record)});
  }
  for (auto& record : from.fails_since(0, SIZE_MAX).records) {
    put_key(record.msg, all);
    all.emplace_back(core::PutFail{std::move(record)});
  }
  for (const char* const key : store::kMetas) {
    if (const auto number = from.meta(key)) all.emplace_back(core::PutMeta{key, *number});
  }
  return all;
}

std::unique_ptr<store::Store> Disk::copy_of(const store::View& from) {
  auto copy = store::make_memory_store();
  copy->commit(all_of(from));
  return copy;
}

}  // namespace pena::sim
