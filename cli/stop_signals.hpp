// The signals of a process, while a command runs.
#pragma once

#include <chrono>
#include <csignal>

namespace pena::cli {

// How long a signal, or whatever else a command waits for, may wait for its answer.
inline constexpr std::chrono::milliseconds kLook{20};

// Takes SIGINT, SIGTERM and SIGHUP while it lives and puts back what was there before: a Python
// process gets its own handlers again. The first SIGINT or SIGTERM is only noted. A second one, at
// least `apart` later, ends the process at once, as it would without a handler; an earlier one is
// the first once more, for a wrapper (timeout, npm, a container's init) hands on what the terminal
// has sent already. Where the second is noted, too, it is the third that does. One object at a time
// in a process.
class StopSignals {
 public:
  // What SIGHUP, the end of the terminal, asks for.
  enum class HangUp {
    stops,     // what the first SIGTERM asks for; nothing where it was ignored before (nohup)
    is_noted,  // nothing
  };
  enum class Second { ends, is_noted };
  static constexpr std::chrono::milliseconds kApart{300};
  explicit StopSignals(HangUp hang_up = HangUp::stops, std::chrono::milliseconds apart = kApart,
                       Second second = Second::ends);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  [[nodiscard]] bool arrived() const { return any_arrived(); }
  // A second one, where it is noted.
  [[nodiscard]] static bool arrived_again();
  // Of the object there is; false where there is none.
  [[nodiscard]] static bool any_arrived();
  // Whether SIGHUP was noted since the last call.
  [[nodiscard]] bool hung_up();

 private:
  struct sigaction interrupt_before_ {};
  struct sigaction terminate_before_ {};
  struct sigaction hang_up_before_ {};
};

// While it lives a write to a pipe or socket that nobody reads any more fails, instead of ending the
// process by SIGPIPE. Programs that are started meanwhile have SIGPIPE as it is by default.
class BrokenPipesFail {
 public:
  BrokenPipesFail();
  ~BrokenPipesFail();
  BrokenPipesFail(const BrokenPipesFail&) = delete;
  BrokenPipesFail& operator=(const BrokenPipesFail&) = delete;

 private:
  struct sigaction before_ {};
};

}  // namespace pena::cli
