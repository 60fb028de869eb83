// What a client reads out of GET /stats.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pena::wire {

struct QueueCounts {
  std::uint64_t unsettled = 0;  // msgs that wait, are due later or are held
  std::uint64_t settled = 0;    // that are reported or have failed, and are kept
};
// Of all queues of the answer. Nothing where it is no such answer.
[[nodiscard]] std::optional<QueueCounts> queue_counts(std::string_view stats);

}  // namespace pena::wire
