#include "core/retry.hpp"

#include <algorithm>

namespace pena::core {

bool may_be_tried_again(unsigned status) {
  return status == 0 || status == 408 || status == 425 || status == 429 ||
         (status >= 500 && status < 600);
}

Duration wait_to_retry(const RetryRules& rules, unsigned failures,
                       std::optional<Duration> retry_after, std::uint64_t chance) {
  Duration most = rules.first;
  for (unsigned failure = 1; failure < failures && most < rules.most; ++failure) most *= 2;
  most = std::min(most, rules.most);
  const auto range = static_cast<std::uint64_t>(std::max<Duration::rep>(most.count(), 1));
  const Duration asked =
      std::clamp(retry_after.value_or(Duration::zero()), Duration::zero(), rules.retry_after_most);
  return asked + Duration{static_cast<Duration::rep>(chance % range)};
}

}  // namespace pena::core
