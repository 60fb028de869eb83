#include "server/watchdog.hpp"

#include <algorithm>

namespace pena::server {

namespace {

// An operation made of several reads may just have been between two of them when it was cancelled,
// and gone on.
constexpr std::chrono::milliseconds kBiteAgain{20};

}  // namespace

void Watchdog::set(core::Duration time) {
  bit_ = false;
  const auto until = std::chrono::steady_clock::now() + time;
  if (place_) {
    all_.watched_[*place_].until = until;
  } else {
    all_.watched_.push_back({until, this});
    place_ = all_.watched_.size() - 1;
  }
  all_.wake_by(until);
}

void Watchdog::clear() {
  bit_ = false;
  if (!place_) return;
  auto& watched = all_.watched_;
  watched[*place_] = watched.back();
  watched[*place_].watchdog->place_ = *place_;
  watched.pop_back();
  place_.reset();
}

// Times only ever move away, so a wake that finds nobody late is rare: once in the shortest time.
void Watchdogs::wake_by(Time at) {
  if (at >= wakes_at_ || !timer_) return;
  wakes_at_ = at;
  timer_->expires_at(at);
  timer_->async_wait([this](const auto& error) {
    if (!error) bite_who_is_late();
  });
}

void Watchdogs::bite_who_is_late() {
  wakes_at_ = Time::max();
  const Time now = std::chrono::steady_clock::now();
  Time next = Time::max();
  for (Watched& watched : watched_) {
    if (watched.until <= now) {
      watched.watchdog->bit_ = true;
      boost::system::error_code ignored;
      watched.watchdog->socket_.cancel(ignored);
      if (watched.watchdog->bitten_) watched.watchdog->bitten_();
      watched.until = now + kBiteAgain;
    }
    next = std::min(next, watched.until);
  }
  if (!watched_.empty()) wake_by(next);
}

}  // namespace pena::server
