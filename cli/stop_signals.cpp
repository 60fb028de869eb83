#include "cli/stop_signals.hpp"

#include <atomic>
#include <chrono>

namespace pena::cli {
namespace {

using Clock = std::chrono::steady_clock;

// What a handler may touch: lock-free, and alive as long as the process.
std::atomic<Clock::rep> first_at{0};  // 0: none has come
std::atomic<Clock::rep> second_at{0};
std::atomic<Clock::rep> apart_ticks{0};
std::atomic<bool> notes_second{false};
std::atomic<bool> hang_up_noted{false};
static_assert(std::atomic<Clock::rep>::is_always_lock_free);

extern "C" void note_signal(int signal) {
  const Clock::rep now = Clock::now().time_since_epoch().count();
  // Whether it is noted there, or is the one that was once more.
  const auto is_noted = [now](std::atomic<Clock::rep>& at) {
    Clock::rep noted = 0;
    return at.compare_exchange_strong(noted, now) || now - noted < apart_ticks;
  };
  if (is_noted(first_at) || (notes_second && is_noted(second_at))) return;
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

extern "C" void stop_on_hang_up(int /*signal*/) {
  Clock::rep none = 0;
  first_at.compare_exchange_strong(none, Clock::now().time_since_epoch().count());
}
extern "C" void note_hang_up(int /*signal*/) {
  hang_up_noted = true;
}
extern "C" void do_nothing(int /*signal*/) {}

void take(int signal, void (*handler)(int), struct sigaction& before) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, &before);
}

}  // namespace

StopSignals::StopSignals(HangUp hang_up, std::chrono::milliseconds apart, Second second) {
  first_at = 0;
  second_at = 0;
  notes_second = second == Second::is_noted;
  hang_up_noted = false;
  apart_ticks = Clock::duration{apart}.count();
  take(SIGINT, note_signal, interrupt_before_);
  take(SIGTERM, note_signal, terminate_before_);
  take(SIGHUP, hang_up == HangUp::stops ? stop_on_hang_up : note_hang_up, hang_up_before_);
  const bool ignored = hang_up_before_.sa_handler == SIG_IGN;
  if (hang_up == HangUp::stops && ignored) sigaction(SIGHUP, &hang_up_before_, nullptr);
}

StopSignals::~StopSignals() {
  sigaction(SIGINT, &interrupt_before_, nullptr);
  sigaction(SIGTERM, &terminate_before_, nullptr);
  sigaction(SIGHUP, &hang_up_before_, nullptr);
  first_at = 0;
  second_at = 0;
}

bool StopSignals::any_arrived() {
  return first_at != 0;
}

bool StopSignals::arrived_again() {
  return second_at != 0;
}

bool StopSignals::hung_up() {
  return hang_up_noted.exchange(false);
}

// A handler and not SIG_IGN, which a started program would inherit.
BrokenPipesFail::BrokenPipesFail() {
  take(SIGPIPE, do_nothing, before_);
}

BrokenPipesFail::~BrokenPipesFail() {
  sigaction(SIGPIPE, &before_, nullptr);
}

}  // namespace pena::cli
