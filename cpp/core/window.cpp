// Which msgs that wait leave memory, at the end of a step: all queues together have no more than one alone may.
//
// A queue that nobody waits for leaves first. But many may be waited for at once: clients linger with short
// batches, or bodies are to be read, each in its own queue. Then the bodies leave, which are read again for the
// grant that needs them; whoever lingers is sent what is there; and of the rest one queue keeps its msgs, the
// one that is read for next. So there is always one that gets on, and the others come behind it.
#include <algorithm>

#include "core/dispatcher_state.hpp"

namespace pena::core {

std::size_t Dispatcher::State::lack_of(QueueNumber queue) const {
  const ClientState* const first = clients.first_free(queue);
  const bool can_go = !draining && !lacks_room() && first != nullptr && !names.is_paused(queue);
  return can_go ? first->lacks() : 0;
}

// Whoever is the first there waits with msgs of that queue in its plan.
bool Dispatcher::State::is_planned(QueueNumber queue) const {
  const ClientState* const first = clients.first_free(queue);
  return first != nullptr && first->plan &&
         std::ranges::find(first->plan->parts, queue, &QueuePlan::queue) !=
             first->plan->parts.end();
}

void Dispatcher::State::keep_to_window(Instant now) {
  // Where nothing can go, nobody is waited for, and whoever is the first is looked at when something can.
  const bool can_go = !draining && !lacks_room();
  queues.keep_to_window([&](QueueNumber queue) {
    if (can_go) return is_planned(queue) || lack_of(queue) > 0;
    touch(queue);
    return false;
  });
  if (!queues.are_over()) return;
  bodies_came.reset();
  queues.forget_bodies();
  if (!queues.are_over()) return;
  for (const Xid& id : clients.lingering_since(Instant::max())) {
    ClientState& client = *clients.find(id);
    client.hurries = true;
    touch(client.queues);
  }
  grant_in_turn(now);
  settle_touched();
  if (!queues.are_over()) return;
  const QueueNumber next = bodiless.empty() ? queues.first_hungry().value_or(kDefaultQueue)
                                            : *next_behind(bodiless, bodies_read_last);
  touch(queues.forget_all_but(next));
  grant_in_turn(now);
  settle_touched();
}

}  // namespace pena::core
