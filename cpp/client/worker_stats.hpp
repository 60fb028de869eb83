// What a worker counts, and the list of it: from it come the dict and the class in Python.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/worker_counts.hpp"

namespace pena::client {

using WorkerStats = core::WorkerCounts;

struct WorkerStat {
  std::string_view name;  // in Python and in JSON
  std::uint64_t WorkerStats::*field;
  std::string_view help;
};

[[nodiscard]] std::span<const WorkerStat> all_worker_stats();

}  // namespace pena::client
