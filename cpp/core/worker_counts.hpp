// What a worker's machine counts.
#pragma once

#include <cstdint>

namespace pena::core {

struct WorkerCounts {
  std::uint64_t received = 0;    // msgs that came
  std::uint64_t begun = 0;       // runs
  std::uint64_t done = 0;        // runs that ended well
  std::uint64_t failed = 0;      // runs that failed, those that timed out among them
  std::uint64_t timed_out = 0;   // runs that took longer than they may
  std::uint64_t given_back = 0;  // msgs that were given back
  std::uint64_t reported = 0;    // outcomes that the server took
  std::uint64_t too_late = 0;    // outcomes that it did not take, for their batch was over
  std::uint64_t lost = 0;        // batches whose stream or lease was lost
  std::uint64_t connects = 0;    // streams that began
  std::uint64_t ignored = 0;     // events that were no msg
  std::uint64_t running = 0;     // now
};

}  // namespace pena::core
