// Whether a round that nobody's work waits for is better closed a little later.
//
// A report alone asks for a round only so that it can be answered: its client is free already.
// Until that is durable, a msg that is submitted waits for the disk, and is delivered late. So such
// a round is held for about as long as one takes to be durable: if work comes, both share it.
// Whether work comes is learnt from what came before: a round that was held for nothing makes the
// next ones go at once.
// docs/performance.md has what it brings, and what holding costs where nothing comes.
//
// Pure: time comes in. One owner, the turn.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "core/instant.hpp"

namespace pena::turn {

class Pace {
 public:
  static constexpr core::Duration kLongest = std::chrono::milliseconds{1};

  // Of a round that only reports wait for: how long to look out for more. None: it closes at once.
  [[nodiscard]] std::optional<core::Duration> hold() {
    if (passes_left_ > 0) {
      --passes_left_;
      return std::nullopt;
    }
    if (round_time_ == core::Duration::zero()) return std::nullopt;
    return std::min(round_time_, kLongest);
  }
  // How the hold ended. `work_came`: something that is to be delivered.
  void held(bool work_came) {
    passes_ = work_came ? 0 : std::min(2 * passes_ + 1, kMostPasses);
    passes_left_ = passes_;
  }
  // What a round took, as a moving average: a single slow one is no measure.
  void durable_after(core::Duration took) { round_time_ += (took - round_time_) / 8; }

 private:
  static constexpr std::uint32_t kMostPasses = 63;

  core::Duration round_time_{};
  std::uint32_t passes_ = 0;  // how many rounds went at once after the last hold for nothing
  std::uint32_t passes_left_ = 0;
};

}  // namespace pena::turn
