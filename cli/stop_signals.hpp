// SIGINT and SIGTERM, while a command runs.
#pragma once

#include <chrono>
#include <csignal>

namespace pena::cli {

// Takes both signals while it lives and puts back what was there before: a Python process gets its
// own handlers again. The first signal is only noted. A second one, at least `apart` later, ends
// the process at once, as it would without a handler; an earlier one is the first once more, for a
// wrapper (timeout, npm, a container's init) hands on what the terminal has sent already. One
// object at a time in a process.
class StopSignals {
 public:
  explicit StopSignals(std::chrono::milliseconds apart = std::chrono::milliseconds{300});
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  [[nodiscard]] bool arrived() const;

 private:
  struct sigaction interrupt_before_ {};
  struct sigaction terminate_before_ {};
};

}  // namespace pena::cli
