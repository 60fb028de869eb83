// What a client is told once, at its start.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "core/instant.hpp"
#include "core/retry.hpp"

namespace pena::core {

struct ClientRules {
  std::uint32_t batchsize = 2;
  std::uint32_t max_running = 2;    // R13
  std::uint32_t panic_above = 800;  // ms, R14
  std::uint32_t end_above = 900;    // ms, R15
  bool report_panicked = true;      // R16: a coroutine that panicked has ended
  RetryRules retry;                 // of streams and of reports
  std::optional<std::uint64_t> max_batches;
  Duration stop_patience = std::chrono::seconds{1};  // for answers to reports, once it is to stop
  std::uint64_t seed = 0;                            // of the jitter
  std::string server = "the server";                 // as it is named in what is said
};

}  // namespace pena::core
