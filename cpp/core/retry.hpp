// When a request that failed is made again. Pure: chance comes in as an argument.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "core/instant.hpp"

namespace pena::core {

struct RetryRules {
  Duration first = std::chrono::milliseconds{100};  // the longest wait behind one failure; doubles
  Duration most = std::chrono::seconds{5};          // the longest wait of all
  // As much of a server's Retry-After as is honoured.
  Duration retry_after_most = std::chrono::seconds{30};
};

// As long as a report's answer is waited for.
inline constexpr std::chrono::seconds kAnswerTime{10};

// Whether a request that was answered so may be answered otherwise later: 408, 425, 429, 5xx. 0 is
// no answer at all.
[[nodiscard]] bool may_be_tried_again(unsigned status);

// Behind so many failures in a row, 1 …: anything up to the backoff, so that many clients do not
// come back in one wave, on top of what the server asked for. `chance`: any number.
[[nodiscard]] Duration wait_to_retry(const RetryRules& rules, unsigned failures,
                                     std::optional<Duration> retry_after, std::uint64_t chance);

}  // namespace pena::core
