// When a process is asked to end, and when it is made to. Pure: the time comes in as an argument.
#pragma once

#include <chrono>
#include <optional>

namespace pena::process {

class Ending {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Milliseconds = std::chrono::milliseconds;

  // `timeout`: how long it may take; none: as long as it likes. `patience`: between SIGTERM and SIGKILL.
  Ending(Time began, std::optional<Milliseconds> timeout, Milliseconds patience);

  // It is to end now, whatever its timeout.
  void ask(Time now);
  // The signal that is due, each once: SIGTERM, then SIGKILL; 0: none.
  [[nodiscard]] int due(Time now);
  // When the next one is; none: never.
  [[nodiscard]] std::optional<Time> next() const;

  [[nodiscard]] bool has_begun() const { return asked_ || timed_out_; }
  // Its timeout has ended it, and nobody had asked before.
  [[nodiscard]] bool timed_out() const { return timed_out_; }
  // Somebody has asked for its end before its timeout came.
  [[nodiscard]] bool was_asked() const { return asked_; }

 private:
  Milliseconds patience_;
  std::optional<Time> terminates_at_, kills_at_;
  bool asked_ = false, timed_out_ = false;
};

}  // namespace pena::process
