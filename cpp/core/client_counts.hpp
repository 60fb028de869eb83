// What a client's logic counts.
#pragma once

#include <cstdint>

namespace pena::core {

struct ClientCounts {
  std::uint64_t received = 0, processed = 0, panicked = 0, refused = 0, stopped = 0;
  std::uint64_t batches = 0;  // whose report was taken
  std::uint64_t ignored = 0;  // events that were no msg
  std::uint64_t connects = 0, stream_losses = 0;
  std::uint64_t running = 0;  // now
};

}  // namespace pena::core
