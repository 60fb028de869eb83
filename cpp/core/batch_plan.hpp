// What a client could be sent: of which queues, and of which of their lanes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "core/msg.hpp"
#include "core/xid.hpp"

namespace pena::core {

// Of one queue. Valid until the queue changes.
struct QueuePlan {
  QueueNumber queue = kDefaultQueue;
  std::size_t resends = 0;
  std::vector<Xid> suspects;
  std::size_t fresh = 0;
  bool alone = false;  // a piece that goes without company, to a client that takes short batches
  bool full = false;   // shorter than it could be, for its msgs are as large as the window
  bool apart = false;  // shorter than it could be, for other suspects may not travel with these

  [[nodiscard]] std::size_t size() const { return resends + suspects.size() + fresh; }
  // In the order in which they are granted.
  void keep_first(std::size_t most) {
    resends = std::min(resends, most);
    suspects.resize(std::min(suspects.size(), most - resends));
    fresh = std::min(fresh, most - resends - suspects.size());
  }
};

// Of all queues that the client takes from, in the order in which it wants them.
struct BatchPlan {
  std::vector<QueuePlan> parts;  // those with a msg or a flag

  [[nodiscard]] std::size_t size() const {
    std::size_t sum = 0;
    for (const QueuePlan& part : parts) sum += part.size();
    return sum;
  }
  [[nodiscard]] bool alone() const { return any(&QueuePlan::alone); }
  [[nodiscard]] bool full() const { return any(&QueuePlan::full); }
  [[nodiscard]] bool apart() const { return any(&QueuePlan::apart); }
  [[nodiscard]] bool has_suspects() const {
    return std::ranges::any_of(parts, [](const QueuePlan& part) { return !part.suspects.empty(); });
  }
  // As keep_first() of a part.
  void keep_first(std::size_t most) {
    for (QueuePlan& part : parts) {
      part.keep_first(most);
      most -= part.size();
    }
  }

 private:
  [[nodiscard]] bool any(bool QueuePlan::*flag) const { return std::ranges::any_of(parts, flag); }
};

}  // namespace pena::core
