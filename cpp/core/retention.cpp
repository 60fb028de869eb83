#include "core/retention.hpp"

#include <algorithm>

namespace pena::core {

std::size_t Retention::wants(Instant clock, bool room) const {
  if (kept_ == 0 || rests(clock)) return 0;
  if (room) return page_;
  if (const std::uint64_t more = too_many(); more > 0) {
    return static_cast<std::size_t>(std::min<std::uint64_t>(more, largest_page_));
  }
  if (!keep_.time) return 0;
  return !oldest_ || is_too_old(*oldest_, clock) ? page_ : 0;
}

// Not for longer where the clock was set back since.
bool Retention::rests(Instant clock) const {
  return rests_until_ && clock < *rests_until_ && *rests_until_ - clock <= kRest;
}

std::optional<Instant> Retention::next(bool room) const {
  if (kept_ == 0) return std::nullopt;
  const bool at_once = room || too_many() > 0 || (keep_.time && !oldest_);
  if (!at_once && !keep_.time) return std::nullopt;
  const Instant due = at_once ? Instant{} : *oldest_ + *keep_.time;
  return std::max(due, rests_until_.value_or(due));
}

void Retention::begin_page(Instant clock, bool room) {
  clock_ = clock;
  room_ = room;
  to_go_ = too_many();
}

bool Retention::goes(std::uint64_t order, Instant ended_at) {
  if (!room_ && to_go_ == 0 && !is_too_old(ended_at, clock_)) {
    oldest_ = ended_at;
    return false;
  }
  if (to_go_ > 0) --to_go_;
  after_ = order;
  return true;
}

void Retention::end_page(bool whole, std::size_t found) {
  rests_until_ = found == 0 ? std::optional{clock_ + kRest} : std::nullopt;
  // Whoever is behind the last one that went is not known yet.
  if (found == 0) return;
  if (whole) oldest_.reset();
  page_ = whole ? std::min(2 * page_, largest_page_) : kSmallestPage;
}

}  // namespace pena::core
