// How long a request is tried again that is not answered for good. Pure: time and chance come in as arguments.
#pragma once

#include <cstdint>
#include <optional>

#include "core/instant.hpp"
#include "core/retry.hpp"

namespace pena::core {

class Patience {
 public:
  // `most`: counted from the first failure; none: for ever.
  Patience(const RetryRules& rules, std::optional<Duration> most) : rules_(rules), most_(most) {}

  // A try has failed: how long to wait before the next, of which the last is made when the patience ends. Nothing
  // where it is over. `chance`: any number.
  [[nodiscard]] std::optional<Duration> failed(Instant now, std::optional<Duration> retry_after,
                                               std::uint64_t chance);
  // A try was answered for good: the next failure is the first.
  void answered() { failures_ = 0; }
  [[nodiscard]] unsigned failures() const { return failures_; }  // in a row

 private:
  RetryRules rules_;
  std::optional<Duration> most_;
  unsigned failures_ = 0;
  Instant began_{};  // the trouble
};

}  // namespace pena::core
