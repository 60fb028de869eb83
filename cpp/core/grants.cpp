// Whose turn it is, what its batch holds, and whether it can be sent now.
//
// A queue that was touched is looked at: whoever is the first in it gets a plan, of the queues in which he
// is the first, and is served, or waits with that plan until one of these queues is touched, or time is up.
// So a step looks at what changed, however many queues and clients there are.
#include <algorithm>
#include <iterator>
#include <utility>

#include "core/check.hpp"
#include "core/dispatcher_state.hpp"

namespace pena::core {

void Dispatcher::State::touch(QueueNumber queue) {
  if (ClientState* const first = clients.first_free(queue)) first->plan.reset();
  if (!bodiless.empty()) bodiless.erase(queue);
  if (touched.empty() || touched.back() != queue) touched.push_back(queue);
}

// At the queues in which it is the first: it may be looked at already.
void Dispatcher::State::look_again(const ClientState& client) {
  for (const QueueNumber queue : client.queues) {
    if (clients.first_free(queue) == &client && touched.back() != queue) touched.push_back(queue);
  }
}

// A grant touches the queues of whoever was served, so the list grows while it is looked through.
void Dispatcher::State::grant_in_turn(Instant now) {
  if (supply_failed()) touch(kGeneratedQueue);
  for (std::size_t next = 0; next < touched.size() && !draining && !lacks_room(); ++next) {
    serve(touched[next], now);
  }
}

void Dispatcher::State::serve(QueueNumber queue, Instant now) {
  for (ClientState* first = clients.first_free(queue); first != nullptr && !first->plan;
       first = clients.first_free(queue)) {
    first->plan = plan_for(*first);
    const bool served = ready(*first, now) ? grant(*first, now) : overtake(*first, now);
    if (served) continue;
    if (!lacks_room()) {
      look_again(*first);  // so that its queues are told what it lacks of them now
      return note_waiting(*first, now);
    }
    first->plan.reset();
    return;
  }
}

// Strictly in turn: nobody overtakes a client that waits for its batch to fill. But what a rate will
// make may be long in coming, and until the linger is over others need not wait for it.
bool Dispatcher::State::overtake(ClientState& first, Instant now) {
  if (granted_supply() != Supply::later || !takes_generated(first) || waits_for_store(first)) {
    return false;
  }
  ClientState* const other = clients.first_free_for(first.plan->size());
  if (other == nullptr || other == &first) return false;
  BatchPlan plan = plan_for(*other, &first);
  if (plan.size() < other->least_msgs() && !plan.alone()) return false;
  other->plan = std::move(plan);
  if (!grant(*other, now)) {
    other->plan.reset();
    look_again(*other);
    return false;
  }
  first.overtaken = true;
  // Its linger begins now, also where what is left has to wait for room first.
  clients.note_waiting(first, first.waits_since.value_or(now), first.lingers);
  first.plan.reset();
  return true;
}

BatchPlan Dispatcher::State::plan_for(const ClientState& client,
                                      const ClientState* instead_of) const {
  BatchPlan plan;
  const bool fresh_will_come = granted_supply() != Supply::none && clients.takes_generated(client);
  for (const QueueNumber number : client.queues) {
    const std::size_t rest = client.batchsize - plan.size();
    const Queue* const queue = queues.find(number);
    const ClientState* const first = clients.first_free(number);
    const bool is_first = first == &client || (first == instead_of && first != nullptr);
    if (queue == nullptr || !is_first || names.is_paused(number)) continue;
    const bool with_suspects = !plan.has_suspects() && !(client.takes_short && plan.size() > 0);
    QueuePlan part = queue->plan(rest, client.takes_short, fresh_will_come, with_suspects);
    if (part.size() > 0 || part.full || part.apart) plan.parts.push_back(std::move(part));
    if (plan.alone() || plan.size() == client.batchsize) break;
  }
  return plan;
}

bool Dispatcher::State::ready(const ClientState& client, Instant now) const {
  const BatchPlan& plan = *client.plan;
  if (plan.size() == client.batchsize || plan.alone() || plan.full()) return true;
  if (plan.size() == 0 || waits_for_made(client) || waits_for_store(client)) return false;
  if (client.takes_short || plan.apart()) return true;
  return client.hurries || (client.waits_since && now >= *client.waits_since + limits.linger);
}

bool Dispatcher::State::waits_for_store(const ClientState& client) const {
  return std::ranges::any_of(client.queues, [&](QueueNumber number) {
    const Queue* const queue = queues.find(number);
    return queue != nullptr && queue->more_in_store() && clients.first_free(number) == &client &&
           !names.is_paused(number);
  });
}

// False where the store is to be asked first. What it leaves out when it was, because the msgs are too
// large for the window, waits for the next batch; and so do the parts behind one that was read for this:
// by the time that they are read, too, it may have been forgotten again.
bool Dispatcher::State::has_bodies(BatchPlan& plan) {
  bool came = false;
  for (auto part = plan.parts.begin(); part != plan.parts.end(); ++part) {
    const Queue& queue = queues.at(part->queue);
    const bool came_for_it = bodies_came == part->queue;
    if (came_for_it) {
      bodies_came.reset();
      queue.leave_out_bodiless(*part);
      came = part->size() > 0;
    }
    if (queue.without_body(*part).empty() && (!came_for_it || came)) continue;
    if (came) {
      plan.parts.erase(part, plan.parts.end());
      break;
    }
    bodiless.insert(part->queue);
    return false;
  }
  return plan.size() > 0;
}

// Where nothing waits, whoever stands behind the first lacks a whole batch: what is made for all of them at
// once is granted in one step, in their turns. Unless there is little room, which a batch needs, too.
std::size_t Dispatcher::State::lack_of_made(const ClientState& first) const {
  constexpr std::size_t kMadeForABatch = 6 * kPagesOfRecord / kPagesOfHeld + 1;  // as much room
  const std::size_t most = most_made();
  const std::size_t of_first = std::min(first.lacks(), most);
  if (supply != Supply::open || queues.size() > 0) return of_first;
  const Clients::Lack of_all = clients.lack_of_made(limits.made_msgs);
  return of_all.msgs + of_all.clients * kMadeForABatch > most ? of_first : of_all.msgs;
}

Room Dispatcher::State::room_for(const BatchPlan& plan) const {
  BatchRoom room_of_all{limits};
  for (const QueuePlan& part : plan.parts) {
    queues.find(part.queue)->look_at(part, [&](const QueuedMsg& msg) {
      room_of_all.add(msg);
      return true;
    });
  }
  return room_of_all.total();
}

// Leaves out of the plan, from its end, what the store has no room for: before anything is removed,
// for what is removed and put back is written twice. What the rest needs.
Room Dispatcher::State::cut_to_room(BatchPlan& plan) {
  short_of.reset();
  const Room used = room_used();
  const Room whole = room_for(plan);
  if (room.has(used + whole)) return whole;
  BatchRoom room_of_all{limits};
  Room need;
  std::size_t fit = 0;
  bool fits = true;
  for (const QueuePlan& part : plan.parts) {
    if (!fits) break;
    queues.at(part.queue).look_at(part, [&](const QueuedMsg& msg) {
      room_of_all.add(msg);
      const Room with_it = room_of_all.total();
      fits = room.has(used + with_it);
      if (fits) {
        need = with_it;
        ++fit;
      } else if (fit == 0) {
        short_of = with_it;
      }
      return fits;
    });
  }
  plan.keep_first(fit);
  return need;
}

// False where it waits: for bodies that the store has, or for room for a single msg.
bool Dispatcher::State::grant(ClientState& client, Instant now) {
  BatchPlan& plan = *client.plan;
  if (lacks_room() || !has_bodies(plan)) return false;
  const Room need = cut_to_room(plan);
  if (plan.size() == 0) return false;
  std::vector<QueuedMsg> msgs;
  for (const QueuePlan& part : plan.parts) {
    std::vector<QueuedMsg> removed = queues.at(part.queue).remove(part, effects.writes);
    if (msgs.empty()) {
      msgs = std::move(removed);
    } else {
      std::ranges::move(removed, std::back_inserter(msgs));
    }
  }
  send(client, std::move(msgs), need, now);
  return true;
}

void Dispatcher::State::send(const ClientState& client, std::vector<QueuedMsg>&& msgs,
                             const Room& need, Instant now) {
  auto batch = std::make_shared<Batch>();
  batch->id = ids.next(date(now));
  batch->client = client.id;
  batch->client_name = client.name;
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
  effects.sends.emplace_back(SendBatch{client.id, batch, now, names_of(*batch)});
  clients.make_busy(client.id, batch->id);
  touch(client.queues);
  leases.add({batch, Lease::State::running, need}, now + limits.timing.lease);
}

std::vector<std::pair<QueueNumber, std::string>> Dispatcher::State::names_of(
    const Batch& batch) const {
  std::vector<std::pair<QueueNumber, std::string>> found;
  for (const QueuedMsg& msg : batch.msgs) {
    const QueueNumber queue = msg.msg.queue;
    if (queue < kFirstNamedQueue || (!found.empty() && found.back().first == queue)) continue;
    found.emplace_back(queue, names.name(queue));
  }
  return found;
}

void Dispatcher::State::note_waiting(ClientState& first, Instant now) {
  const bool has_msgs =
      first.overtaken || std::ranges::any_of(first.queues, [&](QueueNumber number) {
        const Queue* const queue = queues.find(number);
        return queue != nullptr && !queue->empty() && clients.first_free(number) == &first;
      });
  const auto since = has_msgs ? std::optional{first.waits_since.value_or(now)} : std::nullopt;
  const bool waits_for_more = waits_for_made(first) || waits_for_store(first);
  clients.note_waiting(first, since, since && first.plan->size() > 0 && !waits_for_more);
}

// ---- the end of a step

void Dispatcher::State::settle_queues(Instant now) {
  if (!touched.empty()) {
    settle_touched();
    keep_to_window(now);
  }
  if (queues.size() == 0 && later == 0) largest = 0;
  const ClientState* const first = clients.first_free(kGeneratedQueue);
  due_waits = is_due() && most_due() == 0;
  counts_on_supply = first != nullptr && first->plan && waits_for_made(*first);
}

// What was not looked at, for lack of room or for the end of it all, is looked at in the next step; and so is
// what was, where the queue was not told for lack of room what its first client lacks.
void Dispatcher::State::settle_touched() {
  std::ranges::sort(touched);
  touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
  for (const QueueNumber queue : touched) {
    queues.settle(queue, lack_of(queue), effects.writes);
    if (names.any_paused()) note_held_back(queue);
  }
  std::erase_if(touched, [this](QueueNumber queue) {
    const ClientState* const first = clients.first_free(queue);
    return first == nullptr || (first->plan && !lacks_room());
  });
}

void Dispatcher::State::note_held_back(QueueNumber queue) {
  const Queue* const found = queues.find(queue);
  // A number whose queue has no name any more is that of an empty one.
  const bool holds = found != nullptr && !found->empty() && names.is_paused(queue);
  held_back.note(queue, holds ? found->size() : 0, clients.first_free(queue) != nullptr);
}

// Known only now, for bodies may just have been forgotten.
void Dispatcher::State::look_for_bodiless() {
  wanted_bodies.clear();
  while (!bodiless.empty() && wanted_bodies.empty()) {
    bodies_of = *next_behind(bodiless, bodies_read_last);
    const ClientState* const first = clients.first_free(bodies_of);
    const Queue* const queue = queues.find(bodies_of);
    if (first != nullptr && first->plan && queue != nullptr) {
      const auto part = std::ranges::find(first->plan->parts, bodies_of, &QueuePlan::queue);
      if (part != first->plan->parts.end()) wanted_bodies = queue->without_body(*part);
    }
    if (wanted_bodies.empty()) bodiless.erase(bodies_of);
  }
}

}  // namespace pena::core
