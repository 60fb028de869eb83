#include "core/rates.hpp"

#include <algorithm>

namespace pena::core {

void RateWindow::add(const Counts& counts, Instant now) {
  marks_.at(next_mark_) = {now, counts};
  next_mark_ = (next_mark_ + 1) % kSeconds;
  known_ = std::min(known_ + 1, kSeconds);
  next_ = now + std::chrono::seconds{1};
}

Rates RateWindow::rates(const Counts& counts, Instant now) const {
  constexpr Duration kMinute = std::chrono::minutes{1};
  // The oldest mark that is not older than a minute, or the youngest of all.
  const Mark* from = nullptr;
  for (std::size_t back = 1; back <= known_; ++back) {
    const Mark& mark = marks_.at((next_mark_ + kSeconds - back) % kSeconds);
    if (from != nullptr && mark.at < now - kMinute) break;
    from = &mark;
  }
  if (from == nullptr) return {};
  const Duration over = now - from->at;
  if (over <= Duration::zero()) return {};
  const auto per_second = [&](std::uint64_t is, std::uint64_t was) {
    return static_cast<double>(is - was) * 1e6 / static_cast<double>(over.count());
  };
  const auto missed = [](const Counts& of) {
    return of.omitted + of.said_failed + of.refused + of.dropped + of.expired;
  };
  const Counts& was = from->counts;
  return {per_second(counts.submitted, was.submitted),
          per_second(counts.generated, was.generated),
          per_second(counts.sent, was.sent),
          per_second(counts.reported, was.reported),
          per_second(missed(counts), missed(was)),
          per_second(counts.failed, was.failed),
          over};
}

}  // namespace pena::core
