// Lines of the log that a stranger can cause: so many a second, and the others are counted.
//
// Pure: time comes in. One owner.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>

#include "core/instant.hpp"

namespace pena::turn {

class LogQuota {
 public:
  explicit LogQuota(std::size_t lines_a_second) : lines_a_second_(lines_a_second) {}

  // Whether one more line may be written at `now`. Then how many had none since the last one.
  [[nodiscard]] std::optional<std::size_t> allow(core::Instant now) {
    if (now >= over_at_) {
      over_at_ = now + std::chrono::seconds{1};
      written_ = 0;
    }
    if (written_ == lines_a_second_) {
      ++left_out_;
      return std::nullopt;
    }
    ++written_;
    return std::exchange(left_out_, 0);
  }

 private:
  std::size_t lines_a_second_;
  core::Instant over_at_ = core::Instant::min();  // the second in which
  std::size_t written_ = 0;                       // were written
  std::size_t left_out_ = 0;
};

}  // namespace pena::turn
