// Python's global lock. The engines never take it: what they say goes through a LogQueue, and
// whoever calls them from Python lets go of it first, so neither can wait for the other.
#pragma once

#include <pybind11/pybind11.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

namespace pena::bind {

namespace py = pybind11;

// Lets other Python threads run. Where the interpreter ends meanwhile, Python ends the thread that
// comes back by unwinding its stack, which py::gil_scoped_release does not let through.
class GilReleased {
 public:
  GilReleased() = default;
  GilReleased(const GilReleased&) = delete;
  GilReleased& operator=(const GilReleased&) = delete;
  ~GilReleased() noexcept(false) { PyEval_RestoreThread(state_); }

 private:
  PyThreadState* state_ = PyEval_SaveThread();
};

// For calls that may block.
using WithoutGil = py::call_guard<GilReleased>;

// Python's lock back, also within a destructor, which no unwinding may leave: a thread that Python would end sleeps
// until the process ends, as Python itself has it from 3.14 on.
inline void take_gil_or_sleep(PyThreadState* state) noexcept {
  try {
    PyEval_RestoreThread(state);
  } catch (...) {
    while (true) ::pause();
  }
}

// Deletes what threads may wait in. A forked child deletes nothing: it has no copy of the threads,
// and would wait for them for ever. Any thread, with Python's lock or without.
struct DeleteInItsProcess {
  template <class Object>
  void operator()(Object* object) const {
    if (::getpid() == process) delete object;
  }
  pid_t process = ::getpid();
};

// Likewise, without holding Python up while threads are joined. For a thread that has Python's lock.
struct DeleteWithoutGil {
  template <class Object>
  void operator()(Object* object) const {
    PyThreadState* const state = PyEval_SaveThread();
    delete_(object);
    take_gil_or_sleep(state);
  }
  DeleteInItsProcess delete_;
};

// What `make` makes without the lock. A thread that Python ends on its way back leaves it: its holder wants the lock.
template <class Object, class Make>
std::unique_ptr<Object, DeleteWithoutGil> made_without_gil(Make make) {
  Object* const made = [&] {
    const GilReleased release;
    return make();
  }();
  return std::unique_ptr<Object, DeleteWithoutGil>{made};
}

// Calls `wait(slice)` until it gives something true or `timeout` (none: for ever) is over, and
// returns what it gave last. Between two slices Python handles its signals, so Ctrl-C raises here.
template <class Wait>
auto wait_in_slices(std::optional<std::chrono::milliseconds> timeout, Wait wait) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kSlice{50};
  const auto begun_at = Clock::now();
  while (true) {
    auto slice = kSlice;
    if (timeout) {
      const auto passed = std::chrono::floor<std::chrono::milliseconds>(Clock::now() - begun_at);
      slice = std::clamp(*timeout - passed, std::chrono::milliseconds{0}, kSlice);
    }
    auto result = [&] {
      const GilReleased release;
      return wait(slice);
    }();
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    if (result || (timeout && slice < kSlice)) return result;
  }
}

}  // namespace pena::bind
