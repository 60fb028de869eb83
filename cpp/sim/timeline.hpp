// True time, and what is to happen at it. Nobody in the world but the oracle sees this clock.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "core/instant.hpp"

namespace pena::sim {

// Since the world began.
using TrueTime = core::Duration;

class Timeline {
 public:
  using Action = std::function<void()>;

  [[nodiscard]] TrueTime now() const { return now_; }
  // Of two at one time the one that was asked for first happens first.
  void at(TrueTime when, Action action) {
    heap_.push_back({std::max(when, now_), next_++, std::move(action)});
    std::ranges::push_heap(heap_, later);
  }
  void after(core::Duration wait, Action action) { at(now_ + wait, std::move(action)); }
  // Forgotten where `owner` is gone by then: a process that has died does nothing more.
  template <class Owner>
  void at(TrueTime when, const std::shared_ptr<Owner>& owner, Action action) {
    at(when, [guard = std::weak_ptr<Owner>(owner), act = std::move(action)] {
      if (const auto lives = guard.lock()) act();
    });
  }
  // False where nothing is left to happen, or not before `until`.
  bool step(TrueTime until) {
    if (heap_.empty() || heap_.front().when > until) return false;
    std::ranges::pop_heap(heap_, later);
    Entry entry = std::move(heap_.back());
    heap_.pop_back();
    now_ = entry.when;
    entry.action();
    return true;
  }

 private:
  struct Entry {
    TrueTime when;
    std::uint64_t order;
    Action action;
  };
  static bool later(const Entry& a, const Entry& b) {
    return a.when != b.when ? a.when > b.when : a.order > b.order;
  }

  TrueTime now_{};
  std::uint64_t next_ = 0;
  std::vector<Entry> heap_;
};

// One party's clock: it began somewhere and runs a little fast or slow.
class SkewedClock {
 public:
  // `drift`: how much faster than true time it runs, as a share: 0.0005.
  SkewedClock(core::Instant start, TrueTime started, double drift)
      : start_(start), started_(started), rate_(1.0 + drift) {}

  [[nodiscard]] core::Instant at(TrueTime time) const {
    return start_ + core::Duration{static_cast<core::Duration::rep>(
                        std::floor(static_cast<double>((time - started_).count()) * rate_))};
  }
  // The first true time at which it shows `instant` or later.
  [[nodiscard]] TrueTime when(core::Instant instant) const {
    const double passed = static_cast<double>((instant - start_).count()) / rate_;
    TrueTime time = started_ + core::Duration{static_cast<core::Duration::rep>(std::ceil(passed))};
    while (at(time) < instant) time += core::Duration{1};
    return time;
  }

 private:
  core::Instant start_;
  TrueTime started_;
  double rate_;
};

}  // namespace pena::sim
