#include "server/heartbeats.hpp"

#include <new>

#include "server/task_stream.hpp"

namespace pena::server {
namespace {

// Of the interval: by so much a heartbeat may come early, so that it is sent with others.
constexpr int kEarlyShare = 100;
// Between so many the loop looks at what else there is to do.
constexpr std::size_t kAtOnce = 128;

}  // namespace

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
  const Time together = now + interval_ / kEarlyShare;
  stamp_.write(clock_.now());
  for (std::size_t beaten = 0; beaten < kAtOnce && !line_.empty(); ++beaten) {
    if (line_.front().at > together) break;
    // Behind the others, whose turn is all before the next of this one.
    line_.splice(line_.end(), line_, line_.begin());
    line_.back().at = now + interval_;
    try {
      line_.back().stream->beat(stamp_);
    } catch (const std::bad_alloc&) {
      continue;  // the next one may find memory: a client takes a silence of a few heartbeats
    }
  }
  wait();
}

}  // namespace pena::server
