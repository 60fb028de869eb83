#include "core/leases.hpp"

#include "core/check.hpp"

namespace pena::core {

void Leases::add(Lease&& lease, Instant ends_at) {
  const Xid batch = lease.batch->id;
  const Room room = lease.room;
  const auto end = ends_.emplace(ends_at, batch).first;
  const bool is_new = entries_.try_emplace(batch, Entry{std::move(lease), end}).second;
  PENA_CHECK(is_new);
  room_ += room;
}

Lease* Leases::find(const Xid& batch) {
  const auto at = entries_.find(batch);
  return at == entries_.end() ? nullptr : &at->second.lease;
}

const Lease* Leases::find(const Xid& batch) const {
  const auto at = entries_.find(batch);
  return at == entries_.end() ? nullptr : &at->second.lease;
}

Lease& Leases::at(const Xid& batch) {
  Lease* const lease = find(batch);
  PENA_CHECK(lease != nullptr);
  return *lease;
}

void Leases::end_at(const Xid& batch, Instant ends_at) {
  Entry& entry = entries_.at(batch);
  auto moved = ends_.extract(entry.end);
  moved.value().first = ends_at;
  entry.end = ends_.insert(std::move(moved)).position;
}

void Leases::replace(Lease& lease, std::shared_ptr<const Batch> left, const Room& room) {
  PENA_CHECK(lease.batch->id == left->id);
  room_ -= lease.room;
  room_ += room;
  lease.room = room;
  lease.batch = std::move(left);
}

void Leases::erase(const Xid& batch) {
  const auto at = entries_.find(batch);
  PENA_CHECK(at != entries_.end());
  room_ -= at->second.lease.room;
  ends_.erase(at->second.end);
  entries_.erase(at);
}

std::optional<Instant> Leases::next_end() const {
  return ends_.empty() ? std::nullopt : std::optional{ends_.begin()->first};
}

Lease* Leases::ended(Instant now) {
  if (ends_.empty() || ends_.begin()->first > now) return nullptr;
  return &at(ends_.begin()->second);
}

}  // namespace pena::core
