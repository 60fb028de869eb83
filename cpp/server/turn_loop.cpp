#include "server/turn_loop.hpp"

#include <algorithm>
#include <utility>

#include "turn/inbox.hpp"

namespace pena::server {

TurnLoop::TurnLoop(turn::Turn& turn, const Clock& clock, Hooks hooks)
    : turn_(turn), clock_(clock), hooks_(std::move(hooks)) {
  publish();
  turn_.when_durable([this] { note_progress(); });
  thread_ = std::thread([this] { run(); });
}

TurnLoop::~TurnLoop() {
  stop();
}

void TurnLoop::push(core::Event event) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    inbox_.push_back(std::move(event));
  }
  arrived_.notify_one();
}

void TurnLoop::stop() {
  begin_stop();
  if (thread_.joinable()) thread_.join();
}

bool TurnLoop::stop_within(core::Duration patience) {
  begin_stop();
  std::unique_lock lock(mutex_);
  return over_.wait_for(lock, patience, [this] { return is_over_; });
}

void TurnLoop::begin_stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  arrived_.notify_one();
}

void TurnLoop::fail(std::exception_ptr error) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
    failure_ = std::move(error);
  }
  arrived_.notify_one();
}

void TurnLoop::note_progress() {
  {
    const std::lock_guard lock(mutex_);
    log_got_on_ = true;
  }
  arrived_.notify_one();
}

void TurnLoop::run() {
  loop();
  const std::lock_guard lock(mutex_);
  is_over_ = true;
  over_.notify_all();
}

void TurnLoop::loop() {
  std::vector<core::Event> events;
  try {
    // The first round restores: what waits in the store is wanted before the first client comes.
    turn_.close(clock_.now());
    let_go();
    bool goes_on = true;
    while (goes_on) {
      goes_on = wait_for_events(events, turn_.next_close(clock_.now()));
      run_events(events, goes_on);
    }
    // What is on its way is answered, too.
    while (turn_.on_their_way() > 0) {
      wait_for_log();
      let_go();
    }
  } catch (...) {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    hooks_.on_failed(std::current_exception());
  }
}

bool TurnLoop::wait_for_events(std::vector<core::Event>& events,
                               std::optional<core::Instant> until) {
  const bool takes = !turn_.is_blocked();
  std::unique_lock lock(mutex_);
  const auto ready = [&] {
    return failure_ || log_got_on_ || (takes && (stopping_ || !inbox_.empty()));
  };
  if (until) {
    arrived_.wait_until(lock, clock_.steady(*until), ready);
  } else {
    arrived_.wait(lock, ready);
  }
  if (failure_) std::rethrow_exception(failure_);
  log_got_on_ = false;
  if (!takes) return true;
  const bool nothing_left = stopping_ && inbox_.empty();
  turn::take_round(inbox_, events);
  return !nothing_left;
}

void TurnLoop::wait_for_log() {
  std::unique_lock lock(mutex_);
  arrived_.wait(lock, [this] { return failure_ || log_got_on_; });
  if (failure_) std::rethrow_exception(failure_);
  log_got_on_ = false;
}

void TurnLoop::run_events(std::vector<core::Event>& events, bool goes_on) {
  // One instant for all that came together: a report and the grant that follows it are as one.
  const core::Instant now = clock_.now();
  turn_.note_date(clock_.date(), now);
  for (core::Event& event : events) turn_.take(std::move(event), now);
  events.clear();
  // What they took is none of what the disk takes, which the turn learns from.
  if (!turn_.close_if_due(clock_.now(), !goes_on) && turn_.holds()) {
    if (hooks_.on_hold) hooks_.on_hold();
    if (turn_.on_their_way() == 0) return;
  }
  let_go();
}

void TurnLoop::let_go() {
  const core::Instant now = clock_.now();
  std::vector<turn::Outgoing> outgoing = turn_.durable(now);
  publish();
  if (auto text = turn_.warning(now); text && hooks_.on_warning) {
    hooks_.on_warning(std::move(*text));
  }
  if (!outgoing.empty()) hooks_.on_released(std::move(outgoing));
}

void TurnLoop::publish() {
  full_ = turn_.full();
  waits_for_ = turn_.waits_for();
  const std::lock_guard lock(mutex_);
  generating_ = turn_.generating();
  counts_ = turn_.dispatcher().counts();
}

core::Counts TurnLoop::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

bool TurnLoop::generating() const {
  const std::lock_guard lock(mutex_);
  return generating_;
}

}  // namespace pena::server
