#include "server/applier.hpp"

#include <algorithm>
#include <utility>

namespace pena::server {

Applier::Applier(store::LogStore& store, Pace pace, std::function<void(std::string)> warn)
    : store_(store), pace_(pace), warn_(std::move(warn)) {
  store_.when_waiting([this](std::size_t bytes) {
    bool wakes = false;
    {
      const std::lock_guard lock(mutex_);
      wakes = waiting_ == 0 || (waiting_ < pace_.bytes && bytes >= pace_.bytes);
      waiting_ = bytes;
    }
    if (wakes) changed_.notify_one();
  });
  thread_ = std::thread([this] { run(); });
}

Applier::~Applier() {
  stop();
}

void Applier::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Applier::run() {
  try {
    while (wait_for_work()) {
      (void)store_.apply();
      make_segments();
    }
  } catch (...) {
    store_.note_failure(std::current_exception());
  }
}

bool Applier::wait_for_work() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopping_ || waiting_ > 0; });
  if (!std::exchange(began_, true)) {
    lock.unlock();
    make_segments();
    lock.lock();
  }
  const auto is_enough = [this] {
    return stopping_ || waiting_ >= pace_.bytes;
  };
  changed_.wait_for(lock, pace_.every, is_enough);
  waiting_ = 0;
  return !stopping_;
}

void Applier::make_segments() {
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
    const store::LogStore::Ready ready = store_.make_ready();
    if (ready.given_up) warn_("the store goes on without a log: " + *ready.given_up);
    if (!ready.more) return;
  }
}

}  // namespace pena::server
