#include "core/suspects.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "core/check.hpp"

namespace pena::core {
namespace {

// The lost batches of a msg, the last one left out.
std::vector<Xid> earlier_losses(const QueuedMsg& msg) {
  std::vector<Xid> lost;
  const Miss* const last = msg.last_loss();
  for (const Miss& miss : msg.counted()) {
    if (miss.lost_whole() && &miss != last) lost.push_back(miss.batch);
  }
  return lost;
}

// base^power >= bound
bool reaches(std::size_t base, int power, std::size_t bound) {
  std::size_t product = 1;
  for (int i = 0; i < power; ++i) {
    if (product >= (bound + base - 1) / base) return true;
    product *= base;
  }
  return product >= bound;
}

// The least number whose k-th power is at least n.
std::size_t root(std::size_t n, int k) {
  if (k == 1 || n <= 2) return n;
  const double near = std::pow(static_cast<double>(n), 1.0 / k);
  // Not more than the root, whatever the library rounds.
  std::size_t least = std::max<std::size_t>(2, static_cast<std::size_t>(near)) - 1;
  while (!reaches(least, k, n)) ++least;
  return least;
}

}  // namespace

std::size_t piece_size(std::size_t lost, int attempts_left, std::size_t fewest_pieces) {
  if (attempts_left <= 1) return 1;
  const std::size_t pieces = std::max(root(lost, attempts_left), fewest_pieces);
  return std::max<std::size_t>(1, (lost + pieces - 1) / pieces);
}

bool Suspects::Ids::insert(const Xid& id) {
  if (size() == 0 || ids.back() < id) {
    ids.push_back(id);
    return true;
  }
  const auto at = std::lower_bound(begin(), end(), id);
  if (*at == id) return false;
  ids.insert(at, id);
  return true;
}

bool Suspects::Ids::erase(const Xid& id) {
  const auto at = std::lower_bound(begin(), end(), id);
  if (at == end() || *at != id) return false;
  if (at != begin()) {
    ids.erase(at);
  } else if (++gone > ids.size() / 2) {
    ids.erase(ids.begin(), begin());
    gone = 0;
    ids.shrink_to_fit();
  }
  return true;
}

bool Suspects::add(const QueuedMsg& msg) {
  Group& group = groups_[key_of(msg)];
  if (!group.parts[earlier_losses(msg)].insert(msg.msg.id)) return false;
  group.most = std::max(group.most, ++group.waiting);
  ++size_;
  return true;
}

void Suspects::remove(const QueuedMsg& msg) {
  const auto group = groups_.find(key_of(msg));
  PENA_CHECK(group != groups_.end());
  auto& parts = group->second.parts;
  const auto part = parts.find(earlier_losses(msg));
  PENA_CHECK(part != parts.end());
  const bool was_there = part->second.erase(msg.msg.id);
  PENA_CHECK(was_there);
  if (part->second.size() == 0) parts.erase(part);
  if (--group->second.waiting == 0) groups_.erase(group);
  --size_;
}

bool Suspects::contains(const QueuedMsg& msg) const {
  const auto group = groups_.find(key_of(msg));
  if (group == groups_.end()) return false;
  const auto part = group->second.parts.find(earlier_losses(msg));
  return part != group->second.parts.end() && std::ranges::binary_search(part->second, msg.msg.id);
}

std::vector<Xid> Suspects::pick(std::size_t most) const {
  return pick(most, SIZE_MAX);
}

std::vector<Xid> Suspects::pick_piece(std::size_t most) const {
  return pick(most, 1);
}

std::vector<Xid> Suspects::pick(std::size_t most, std::size_t most_groups) const {
  std::vector<Xid> picked;
  std::unordered_set<Xid> avoided;  // lost batches of which a piece is picked
  for (const auto& [key, group] : groups_) {
    const bool last_attempt = key.attempts_left <= 1;
    if (picked.size() == most || most_groups == 0) break;
    if (avoided.contains(key.batch)) continue;
    std::size_t left =
        std::min(most - picked.size(), piece_size(group.most, key.attempts_left, fewest_pieces_));
    std::vector<Xid> shared;
    for (const auto& [earlier, ids] : group.parts) {
      if (left == 0) break;
      if (std::ranges::any_of(earlier, [&](const Xid& lost) { return avoided.contains(lost); })) {
        continue;
      }
      const std::size_t count = std::min(left, ids.size());
      picked.insert(picked.end(), ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(count));
      shared.insert(shared.end(), earlier.begin(), earlier.end());
      shared.push_back(key.batch);
      left -= count;
    }
    if (shared.empty()) continue;
    if (last_attempt) break;
    avoided.insert(shared.begin(), shared.end());
    --most_groups;
  }
  return picked;
}

}  // namespace pena::core
