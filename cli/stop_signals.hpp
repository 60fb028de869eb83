// SIGINT and SIGTERM, while a command runs.
#pragma once

#include <csignal>

namespace pena::cli {

// Takes both signals while it lives and puts back what was there before: a Python process gets its
// own handlers again. The first signal is only noted; the second ends the process at once, as it
// would without a handler. One object at a time in a process.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  [[nodiscard]] bool arrived() const;

 private:
  struct sigaction interrupt_before_ {};
  struct sigaction terminate_before_ {};
};

}  // namespace pena::cli
