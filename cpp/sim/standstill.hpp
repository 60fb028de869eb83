// A process that stands still for a while, and then goes on with what came meanwhile, in that order.
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <utility>

#include "sim/timeline.hpp"

namespace pena::sim {

class Standstill {
 public:
  void extend(TrueTime until) { until_ = std::max(until_, until); }
  [[nodiscard]] TrueTime until() const { return until_; }
  // What comes now waits: behind what waits already, also at the instant when that goes on.
  [[nodiscard]] bool holds(TrueTime now) const { return now < until_ || !waiting_.empty(); }
  // `owner` has this, and is `dead` one day.
  template <class Owner>
  void add(Timeline& timeline, const std::weak_ptr<Owner>& owner, const bool& dead,
           Timeline::Action action) {
    waiting_.push_back(std::move(action));
    if (waiting_.size() == 1) go_on(timeline, owner, dead);
  }

 private:
  template <class Owner>
  void go_on(Timeline& timeline, const std::weak_ptr<Owner>& owner, const bool& dead) {
    timeline.at(until_, owner.lock(), [this, &timeline, owner, &dead] {
      while (!dead && !waiting_.empty() && timeline.now() >= until_) {
        const Timeline::Action first = std::move(waiting_.front());
        waiting_.pop_front();
        first();
      }
      if (!dead && !waiting_.empty()) go_on(timeline, owner, dead);
    });
  }

  TrueTime until_{};
  std::deque<Timeline::Action> waiting_;
};

}  // namespace pena::sim
