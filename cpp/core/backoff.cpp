#include "core/backoff.hpp"

#include <algorithm>

#include "core/dice.hpp"

namespace pena::core {
namespace {

std::uint64_t number_of(const QueuedMsg& msg) {
  std::uint64_t number = msg.attempts;
  for (const std::uint8_t byte : msg.msg.id.bytes()) number = mix(number + byte + kGoldenRatio);
  return number;
}

}  // namespace

Duration backoff(const Limits& limits, const QueuedMsg& msg) {
  const auto failures = std::ranges::count(msg.counted(), MissReason::failed, &Miss::reason);
  Duration wait = std::min(limits.retry_first, limits.retry_most);
  for (auto i = failures; i > 1 && wait < limits.retry_most; --i) {
    wait = std::min(wait * limits.retry_factor, limits.retry_most);
  }
  // retry_most is a year at most, so a quarter of it times the share is far from overflow.
  constexpr std::int64_t kParts = 1024;
  const auto part = static_cast<std::int64_t>(number_of(msg) % kParts);
  return wait + wait / 4 * part / kParts;
}

}  // namespace pena::core
