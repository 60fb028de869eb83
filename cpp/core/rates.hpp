// How much happens in a second, over the last minute.
//
// A ring of the counts as they were at the beginning of each second in which there was a step, so it costs a
// comparison a step.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/counts.hpp"
#include "core/instant.hpp"

namespace pena::core {

// Msgs a second, over the last `over` (a minute, or since the dispatcher began where that is less).
struct Rates {
  double submitted = 0, generated = 0, sent = 0, reported = 0, missed = 0, failed = 0;
  Duration over{};
};

class RateWindow {
 public:
  // To be told of each step before it counts; `now` never goes back.
  void note(const Counts& counts, Instant now) {
    if (now < next_) return;
    add(counts, now);
  }
  [[nodiscard]] Rates rates(const Counts& counts, Instant now) const;

 private:
  static constexpr std::size_t kSeconds = 60;
  struct Mark {
    Instant at{};
    Counts counts;
  };
  void add(const Counts& counts, Instant now);

  std::array<Mark, kSeconds> marks_{};
  std::size_t next_mark_ = 0;
  std::size_t known_ = 0;
  Instant next_{};  // when a mark is due
};

}  // namespace pena::core
