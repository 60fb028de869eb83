#include "core/patience.hpp"

#include <algorithm>

namespace pena::core {

std::optional<Duration> Patience::failed(Instant now, std::optional<Duration> retry_after,
                                         std::uint64_t chance) {
  if (failures_++ == 0) began_ = now;
  const Duration wait = wait_to_retry(rules_, failures_, retry_after, chance);
  if (!most_) return wait;
  const Duration left = *most_ - (now - began_);
  return left > Duration::zero() ? std::optional{std::min(wait, left)} : std::nullopt;
}

}  // namespace pena::core
