#include "server/commit_loop.hpp"

#include <algorithm>
#include <utility>

#include "store/round.hpp"

namespace pena::server {

namespace {

// The wall clock was set, or the machine slept: a smaller step is not worth an event.
constexpr core::Duration kClockStep = std::chrono::milliseconds{100};

}  // namespace

CommitLoop::CommitLoop(store::Committer& committer, const Clock& clock, Hooks hooks)
    : committer_(committer), clock_(clock), hooks_(std::move(hooks)) {
  publish();
  thread_ = std::thread([this] { run(); });
}

CommitLoop::~CommitLoop() {
  stop();
}

void CommitLoop::push(core::Event event) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    inbox_.push_back(std::move(event));
  }
  arrived_.notify_one();
}

void CommitLoop::stop() {
  begin_stop();
  if (thread_.joinable()) thread_.join();
}

bool CommitLoop::stop_within(core::Duration patience) {
  begin_stop();
  std::unique_lock lock(mutex_);
  return over_.wait_for(lock, patience, [this] { return is_over_; });
}

void CommitLoop::begin_stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  arrived_.notify_one();
}

void CommitLoop::fail(std::exception_ptr error) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
    failure_ = std::move(error);
  }
  arrived_.notify_one();
}

void CommitLoop::run() {
  commit_all();
  const std::lock_guard lock(mutex_);
  is_over_ = true;
  over_.notify_all();
}

void CommitLoop::commit_all() {
  std::vector<core::Event> events;
  try {
    // The first commit restores: what waits in the store is wanted before the first client comes.
    take_and_commit(events);
    while (wait_for_events(events, committer_.next_timeout(clock_.now()))) take_and_commit(events);
  } catch (...) {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    hooks_.on_failed(std::current_exception());
  }
}

bool CommitLoop::wait_for_events(std::vector<core::Event>& events,
                                 std::optional<core::Instant> until) {
  std::unique_lock lock(mutex_);
  const auto ready = [this] {
    return stopping_ || !inbox_.empty();
  };
  if (until) {
    arrived_.wait_until(lock, clock_.steady(*until), ready);
  } else {
    arrived_.wait(lock, ready);
  }
  if (failure_) std::rethrow_exception(failure_);
  const bool nothing_left = stopping_ && inbox_.empty();
  store::take_round(inbox_, events);
  return !nothing_left;
}

void CommitLoop::take_and_commit(std::vector<core::Event>& events) {
  take(events);
  if (committer_.only_answers_reports()) hold_round(events);
  const core::Instant now = clock_.now();
  const std::uint64_t before = committer_.commits();
  std::vector<store::Outgoing> outgoing = committer_.commit(now);
  if (committer_.commits() == before + 1) pace_.committed(clock_.now() - now);
  publish();
  if (auto text = committer_.warning(now); text && hooks_.on_warning) {
    hooks_.on_warning(std::move(*text));
  }
  if (!outgoing.empty()) hooks_.on_committed(std::move(outgoing));
}

void CommitLoop::take(std::vector<core::Event>& events) {
  // One instant for all that came together: a report and the grant that follows it are as one.
  const core::Instant now = clock_.now();
  look_at_clock(now);
  for (core::Event& event : events) committer_.take(std::move(event), now);
  events.clear();
}

void CommitLoop::look_at_clock(core::Instant now) {
  const core::Duration ahead = clock_.date() - now;
  if (std::chrono::abs(ahead - clock_ahead_) < kClockStep) return;
  clock_ahead_ = ahead;
  committer_.take(core::ClockRead{ahead}, now);
}

void CommitLoop::hold_round(std::vector<core::Event>& events) {
  const core::Instant now = clock_.now();
  const auto due = committer_.next_timeout(now);
  if (due && *due < now + CommitPace::kLongest) return;
  const auto time = pace_.hold();
  if (!time) return;
  if (hooks_.on_hold) hooks_.on_hold();
  const core::Instant until = now + *time;
  bool work_came = false;
  bool goes_on = true;
  while (!work_came && goes_on && clock_.now() < until) {
    goes_on = wait_for_events(events, until);
    take(events);
    work_came = !committer_.only_answers_reports();
  }
  pace_.held(work_came);
}

void CommitLoop::publish() {
  const std::lock_guard lock(mutex_);
  full_ = committer_.full();
  generating_ = committer_.generating();
  waits_for_ = committer_.waits_for();
  counts_ = committer_.dispatcher().counts();
}

store::WaitsFor CommitLoop::waits_for() const {
  const std::lock_guard lock(mutex_);
  return waits_for_;
}

store::Full CommitLoop::full() const {
  const std::lock_guard lock(mutex_);
  return full_;
}

core::Counts CommitLoop::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

bool CommitLoop::generating() const {
  const std::lock_guard lock(mutex_);
  return generating_;
}

}  // namespace pena::server
