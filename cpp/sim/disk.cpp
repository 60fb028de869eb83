#include "sim/disk.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace pena::sim {

void Disk::commit(const store::ChangeSet& changes) {
  live_->commit(changes);
  unsynced_.push_back(changes);
  if (to_the_brim() && used_pages() > most_pages_) {
    throw LawBroken("room", "a commit takes the store to " + std::to_string(used_pages()) +
                                " pages of " + std::to_string(most_pages_));
  }
}

void Disk::begin_shortage(Shortage shortage) {
  if (full()) return;
  shortage_ = shortage;
  most_pages_ = needed_pages();
}

std::uint64_t Disk::needed_pages() const {
  std::uint64_t pages = used_pages();
  for (const core::Batch& batch : live_->batches()) {
    core::BatchRoom room{limits_};
    for (const core::QueuedMsg& msg : batch.msgs) room.add(msg);
    pages += room.total().pages;
  }
  return pages;
}

core::Room Disk::room() const {
  if (!to_the_brim()) return core::Room::endless();
  const std::uint64_t used = used_pages();
  const std::uint64_t left = most_pages_ > used ? most_pages_ - used : 0;
  return {left, left};
}

bool Disk::has_room_for_one() const {
  if (!to_the_brim()) return true;
  std::uint64_t largest = 0;
  for (const core::QueuedMsg& msg : live_->queue({}, SIZE_MAX, SIZE_MAX).records) {
    core::BatchRoom room{limits_};
    room.add(msg);
    largest = std::max(largest, room.total().pages);
  }
  return needed_pages() + largest <= most_pages_;
}

std::uint64_t Disk::used_pages() const {
  const store::BucketCounts counts = live_->counts();
  return counts.queue + counts.batch + live_->batches().size() + 2 * (counts.report + counts.fail);
}

std::unique_ptr<store::Store> Disk::copy_of(const store::BucketView& from) {
  auto copy = store::make_memory_store();
  store::ChangeSet all;
  for (auto& msg : from.queue({}, SIZE_MAX).records)
    all.emplace_back(core::PutQueue{std::move(msg)});
  for (auto& batch : from.batches()) {
    all.emplace_back(core::PutBatch{std::make_shared<const core::Batch>(std::move(batch))});
  }
  for (auto& record : from.reports({}, SIZE_MAX).records) {
    all.emplace_back(core::PutReport{std::move(record)});
  }
  for (auto& record : from.fails({}, SIZE_MAX).records) {
    all.emplace_back(core::PutFail{std::move(record)});
  }
  for (const char* key : {"generated", "id_second"}) {
    if (const auto number = from.meta(key)) all.emplace_back(core::PutMeta{key, *number});
  }
  copy->commit(all);
  return copy;
}

}  // namespace pena::sim
