#include "core/retention.hpp"

#include <algorithm>

namespace pena::core {

std::size_t Retention::wants(Instant clock, bool room) const {
  if (kept_ == 0 || rests(clock)) return 0;
  if (room) {
    const auto share = static_cast<std::size_t>(kept_ / kRoomShare);
    return std::min(std::max(share, kSmallestPage), largest_page_);
  }
  if (const std::uint64_t more = too_many(); more > 0) {
    return static_cast<std::size_t>(std::min<std::uint64_t>(more, largest_page_));
  }
  if (!keep_.time) return 0;
  // A date that is ahead of the clock tells nothing.
  const bool is_due = !oldest_ || *oldest_ > clock || is_too_old(*oldest_, clock);
  return is_due ? page_ : 0;
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

std::size_t Retention::take(std::span<const Ended> page, Instant clock, bool room) {
  rests_until_ = page.empty() ? std::optional{clock + kRest} : std::nullopt;
  // Whoever is behind the last one that went is not known yet.
  if (page.empty()) return 0;
  std::size_t goes =
      room ? page.size()
           : static_cast<std::size_t>(std::min<std::uint64_t>(too_many(), page.size()));
  // Whatever its date says, a record is older than those behind it: the clock may have been set back.
  for (std::size_t i = page.size(); i > goes; --i) {
    if (is_too_old(page[i - 1].at, clock)) goes = i;
  }
  if (goes > 0) after_ = page[goes - 1].order;
  note_oldest(page.subspan(goes), clock);
  return goes;
}

void Retention::note_oldest(std::span<const Ended> stay, Instant clock) {
  if (stay.empty()) {
    oldest_.reset();
    page_ = std::min(2 * page_, largest_page_);
    return;
  }
  oldest_ = std::ranges::min(stay, {}, &Ended::at).at;
  const bool all_ahead = *oldest_ > clock;
  // Their dates tell nothing: those behind them may do, and are looked for in a larger page.
  if (all_ahead) oldest_ = clock;
  page_ = all_ahead ? std::min(2 * page_, largest_page_) : kSmallestPage;
}

}  // namespace pena::core
