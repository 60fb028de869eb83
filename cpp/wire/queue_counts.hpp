// What a client reads out of GET /stats.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pena::wire {

// How many msgs are not settled, in all queues of the answer: those that wait, are due later or are held.
// Nothing where it is no such answer.
[[nodiscard]] std::optional<std::uint64_t> unsettled_msgs(std::string_view stats);

}  // namespace pena::wire
