#include "server/heartbeats.hpp"

#include <new>

#include "server/task_stream.hpp"

namespace pena::server {

Heartbeats::Place::Place(Heartbeats& all, TaskStream& stream)
    : all_(all),
      at_(all.line_.insert(all.line_.end(),
                           {std::chrono::steady_clock::now() + all.interval_, &stream})) {
  all_.wait();
}

// Who leaves meanwhile is not waited for, but the timer is left alone: it finds nobody whose time
// has come.
void Heartbeats::wait() {
  if (waits_ || line_.empty() || !timer_) return;
  timer_->expires_at(line_.front().at);
  timer_->async_wait([this](const auto& error) {
    waits_ = false;
    if (!error) beat();
  });
  waits_ = true;
}

void Heartbeats::beat() {
  const Time now = std::chrono::steady_clock::now();
  while (!line_.empty() && line_.front().at <= now) {
    // Behind the others, whose turn is all before the next of this one.
    line_.splice(line_.end(), line_, line_.begin());
    line_.back().at = now + interval_;
    try {
      line_.back().stream->beat();
    } catch (const std::bad_alloc&) {
      continue;  // the next one may find memory: a client takes a silence of a few heartbeats
    }
  }
  wait();
}

}  // namespace pena::server
