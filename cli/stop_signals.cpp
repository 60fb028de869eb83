#include "cli/stop_signals.hpp"

#include <atomic>
#include <chrono>

namespace pena::cli {
namespace {

using Clock = std::chrono::steady_clock;

// What a handler may touch: lock-free, and alive as long as the process.
std::atomic<Clock::rep> first_at{0};  // 0: none has come
std::atomic<Clock::rep> apart_ticks{0};
static_assert(std::atomic<Clock::rep>::is_always_lock_free);

extern "C" void note_signal(int signal) {
  const Clock::rep now = Clock::now().time_since_epoch().count();
  Clock::rep first = 0;
  if (first_at.compare_exchange_strong(first, now) || now - first < apart_ticks) return;
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

}  // namespace

StopSignals::StopSignals(std::chrono::milliseconds apart) {
  first_at = 0;
  apart_ticks = Clock::duration{apart}.count();
  struct sigaction action {};
  action.sa_handler = note_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &interrupt_before_);
  sigaction(SIGTERM, &action, &terminate_before_);
}

StopSignals::~StopSignals() {
  sigaction(SIGINT, &interrupt_before_, nullptr);
  sigaction(SIGTERM, &terminate_before_, nullptr);
}

bool StopSignals::arrived() const {
  return first_at != 0;
}

}  // namespace pena::cli
