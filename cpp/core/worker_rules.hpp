// What a worker is told once, at its start.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "core/instant.hpp"
#include "core/retry.hpp"

namespace pena::core {

struct WorkerRules {
  std::uint32_t slots = 1;                // msgs that are worked on at once
  std::uint32_t most_asked_for = 1'000;   // the largest batchsize of a stream
  std::size_t report_bytes = 256 * 1024;  // of results and errors in one report, or one msg's
  std::optional<Duration> run_time;       // a run that takes longer has failed
  std::optional<std::uint64_t> max_msgs;  // it begins no more, and ends then
  bool until_empty = false;               // it ends when its queues have no msg any more
  RetryRules retry;                       // of streams and of reports
  // For the server to take the last reports, once nothing is worked on any more and it is to stop.
  Duration stop_patience = std::chrono::seconds{10};
  // Likewise, where what ran is given back: from when the last of it may be reported.
  Duration hurry_patience = std::chrono::seconds{1};
  std::uint64_t seed = 0;             // of the jitter
  std::string server = "the server";  // as it is named in what is said
};

}  // namespace pena::core
