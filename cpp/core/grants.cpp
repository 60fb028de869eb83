// Whose turn it is, what its batch holds, and whether it can be sent now.
#include <algorithm>
#include <utility>

#include "core/check.hpp"
#include "core/dispatcher_state.hpp"

namespace pena::core {

void Dispatcher::State::grant_in_turn(Instant now) {
  bodiless.reset();
  bool first_served = false;
  while (!draining) {
    const ClientState* first = clients.first_free();
    if (first == nullptr) {
      next.reset();
      break;
    }
    if (ready(plan_for_first(*first), *first, now)) {
      if (!grant(*first, next->plan, now)) break;
      first_served = true;
    } else if (!overtake(*first, now)) {
      break;
    }
  }
  bodies_came = false;
  note_waiting(now, first_served);
}

// Strictly in turn: nobody overtakes a client that waits for its batch to fill. But what a rate will
// make may be long in coming, and until the linger is over others need not wait for it.
bool Dispatcher::State::overtake(const ClientState& first, Instant now) {
  if (supply != Supply::later || queue.more_in_store()) return false;
  const ClientState* other = clients.first_free_for(next->plan.size());
  if (other == nullptr) return false;
  BatchPlan plan = plan_for(*other);
  if (plan.size() < other->least_msgs() && !plan.alone) return false;
  const Xid turn = first.id;
  if (!grant(*other, std::move(plan), now)) return false;
  overtaken = turn;
  return true;
}

// False where the store is to be asked first; then nothing is left of the plan. What it leaves out then, because the msgs are too large
// for the window, waits for the next batch.
bool Dispatcher::State::has_bodies(BatchPlan& plan) {
  const bool came = std::exchange(bodies_came, false);
  if (queue.without_body(plan).empty()) return true;
  BatchPlan had = plan;
  queue.leave_out_bodiless(had);
  if (came && had.size() > 0) {
    plan = std::move(had);
    return true;
  }
  bodiless = std::move(plan);
  return false;
}

BatchPlan Dispatcher::State::plan_for(const ClientState& client) const {
  return queue.plan(client.batchsize, client.takes_short, supply != Supply::none);
}

const BatchPlan& Dispatcher::State::plan_for_first(const ClientState& first) {
  if (!next || next->client != first.id) {
    next = Next{first.id, first.batchsize, plan_for(first)};
  }
  return next->plan;
}

// What would go out short waits: for the generator, which is about to be asked and has room for all
// that lacks, or for the refill.
bool Dispatcher::State::holds_back_short() const {
  const bool is_made = supply == Supply::open && (!next || most_made() >= next->lacks());
  return is_made || queue.more_in_store();
}

bool Dispatcher::State::ready(const BatchPlan& plan, const ClientState& client, Instant now) const {
  if (plan.size() == client.batchsize || plan.alone || plan.full) return true;
  if (plan.size() == 0 || holds_back_short()) return false;
  if (client.takes_short || plan.apart) return true;
  return waits_since && now >= *waits_since + limits.linger;
}

// Leaves out of the plan, from its end, what the store has no room for: before anything is removed,
// for what is removed and put back is written twice. What the rest needs.
Room Dispatcher::State::cut_to_room(BatchPlan& plan) {
  const Room used = room_used();
  BatchRoom room_of_all{limits};
  Room need;
  std::size_t fit = 0;
  short_of.reset();
  queue.look_at(plan, [&](const QueuedMsg& msg) {
    room_of_all.add(msg);
    const Room with_it = room_of_all.total();
    const bool fits = room.has(used + with_it);
    if (fits) {
      need = with_it;
      ++fit;
    } else if (fit == 0) {
      short_of = with_it;
    }
    return fits;
  });
  plan.keep_first(fit);
  return need;
}

// False where it waits: for bodies that the store has, or for room for a single msg.
bool Dispatcher::State::grant(const ClientState& client, BatchPlan plan, Instant now) {
  if (lacks_room() || !has_bodies(plan)) return false;
  const Room need = cut_to_room(plan);
  if (plan.size() == 0) return false;
  next.reset();
  send(client, queue.remove(plan, effects.writes), need, now);
  return true;
}

void Dispatcher::State::send(const ClientState& client, std::vector<QueuedMsg>&& msgs,
                             const Room& need, Instant now) {
  auto batch = std::make_shared<Batch>();
  batch->id = ids.next(date(now));
  batch->client = client.id;
  batch->granted_at = date(now);
  batch->msgs = std::move(msgs);
  for (const QueuedMsg& msg : batch->msgs) {
    const bool is_new = holding.insert(msg.msg.id, batch->id);
    PENA_CHECK(is_new);
    ++counts.sent;
    if (msg.attempt() > 1) ++counts.resent;
  }
  ++counts.batches;
  effects.writes.emplace_back(PutBatch{batch});
  effects.sends.emplace_back(SendBatch{client.id, batch, now});
  clients.make_busy(client.id, batch->id);
  leases.add({batch, Lease::State::running, need}, now + limits.timing.lease);
}

void Dispatcher::State::note_waiting(Instant now, bool first_served) {
  const ClientState* first = clients.first_free();
  if (first == nullptr || first->id != overtaken) overtaken.reset();
  if (queue.empty() && !overtaken) {
    waits_since.reset();
  } else if (first_served || !waits_since) {
    waits_since = now;
  }
}

}  // namespace pena::core
