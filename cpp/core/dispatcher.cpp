#include "core/dispatcher.hpp"

#include <algorithm>
#include <utility>

#include "core/check.hpp"
#include "core/dispatcher_state.hpp"

namespace pena::core {

// ---- what comes in, but for msgs

void Dispatcher::State::on(SupplyChanged&& event, Instant /*now*/) {
  supply = event.supply;
  touch(kDefaultQueue);
  touch(kGeneratedQueue);
}

void Dispatcher::State::on(ClockRead&& event, Instant now) {
  // Dates never go back, so one that is no date would stay for good.
  if (now + event.ahead < XidFactory::kEndOfDates) clock_ahead = event.ahead;
}

void Dispatcher::State::on(Refilled&& event, Instant /*now*/) {
  PENA_CHECK(event.as_of == steps);
  touch(event.queue);
  bulk_goes_first = true;
  queues.refill(event.queue, std::move(event.msgs), event.more);
}

void Dispatcher::State::on(BodiesRead&& event, Instant /*now*/) {
  PENA_CHECK(event.as_of == steps);
  touch(event.queue);
  queues.at(event.queue).bodies_read(std::move(event.msgs));
  bodies_came = event.queue;
  bodies_read_last = event.queue;
}

void Dispatcher::State::on(DrainBegan&& /*event*/, Instant /*now*/) {
  draining = true;
  bodiless.clear();
  // What they have done is done, and whoever asks again goes on with the rest.
  while (!bulk_jobs.empty()) stop_job(bulk_jobs.end());
}

void Dispatcher::State::stop_job(BulkReply&& reply) {
  reply.stopped = true;
  effects.sends.emplace_back(reply);
}

// It may be the first that is heard of that queue.
void Dispatcher::State::on(PauseAsked&& event, Instant /*now*/) {
  const auto known = names.find(event.queue);
  if (!event.paused && (!known || !names.is_stored(*known))) {
    effects.sends.emplace_back(PauseReply{event.request, NameRefused::no, !known});
    return;
  }
  if (is_too_many({event.queue})) {
    effects.sends.emplace_back(PauseReply{event.request, NameRefused::too_many_queues});
    return;
  }
  const QueueNames::Stored stored = names.store(event.queue);
  if (stored.is_new || names.is_paused(stored.queue) != event.paused) {
    names.pause(stored.queue, event.paused);
    effects.writes.emplace_back(PutQueueName{stored.queue, event.queue, event.paused});
  }
  touch(stored.queue);
  if (stored.queue == kDefaultQueue) touch(kGeneratedQueue);
  effects.sends.emplace_back(PauseReply{event.request, NameRefused::no, !known});
}

// ---- clients

void Dispatcher::State::on(ClientJoined&& event, Instant now) {
  ++counts.clients_joined;
  ClientState client;
  client.id = event.client;
  client.batchsize = event.batchsize;
  client.takes_short = event.takes_short;
  client.submitted_only = event.submitted_only;
  client.batches_left = event.batches;
  client.name = std::move(event.name);
  client.address = std::move(event.address);
  client.joined_at = date(now);
  if (event.queues.empty()) event.queues.emplace_back(kDefaultQueueName);
  for (const std::string& name : event.queues) {
    const QueueNumber queue = names.begin_use(name);
    client.queues.push_back(queue);
    if (queue == kDefaultQueue && !event.submitted_only) client.queues.push_back(kGeneratedQueue);
  }
  const std::vector<QueueNumber> its_queues = client.queues;
  clients.join(std::move(client));
  touch(its_queues);
}

void Dispatcher::State::on(ClientLost&& event, Instant now) {
  const ClientState* client = clients.find(event.client);
  if (client == nullptr) return;
  ++counts.clients_lost;
  // Not a release: the client may still be working. Its msgs wait for the grace (R6).
  if (client->batch) begin_grace(leases.at(*client->batch), Lease::State::dropped, now);
  leave(event.client);
}

// Others may be the first now.
void Dispatcher::State::leave(const Xid& client) {
  const std::vector<QueueNumber> its_queues = clients.find(client)->queues;
  clients.leave(client);
  // It may have been the one that room was lacking for.
  short_of.reset();
  touch(its_queues);
  for (const QueueNumber queue : its_queues) {
    if (queue != kGeneratedQueue) names.end_use(queue);
  }
}

void Dispatcher::State::make_free(const Xid& client) {
  const ClientState* const known = clients.find(client);
  clients.make_free(client);
  // Behind another it changes nothing, but where it may overtake that one.
  for (const QueueNumber queue : known->queues) {
    if (clients.first_free(queue) == known || supply == Supply::later) touch(queue);
  }
}

// ---- time

void Dispatcher::State::on(TimeReached&& /*event*/, Instant now) {
  for (const Xid& id : clients.lingering_since(now - limits.linger)) {
    for (const QueueNumber queue : clients.find(id)->queues) touch(queue);
  }
  // Those that are left are due all the same: the others' answers and grants come between.
  for (std::size_t missed = 0; missed < limits.missed_msgs;) {
    Lease* const lease = leases.ended(now);
    if (lease == nullptr) break;
    if (lease->state == Lease::State::running) {
      expire(*lease, now);
    } else {
      missed += lease->batch->msgs.size();
      end_grace(*lease, now);
    }
  }
}

void Dispatcher::State::begin_grace(Lease& lease, Lease::State state, Instant now) {
  lease.state = state;
  leases.end_at(lease.batch->id, grace_end(now));
}

void Dispatcher::State::expire(Lease& lease, Instant now) {
  const Xid client = lease.batch->client;
  begin_grace(lease, Lease::State::expired, now);
  ++counts.clients_lost;
  leave(client);
  effects.sends.emplace_back(
      CloseStream{client, "the lease of its batch ended without a report", false});
}

void Dispatcher::State::end_grace(const Lease& lease, Instant now) {
  const auto reason =
      lease.state == Lease::State::expired ? MissReason::expired : MissReason::dropped;
  const std::shared_ptr<const Batch> batch = lease.batch;
  for (const QueuedMsg& msg : batch->msgs) miss(*batch, msg, {reason}, now);
  end_batch(lease);
}

// ---- the dispatcher around it

Dispatcher Dispatcher::restore(const Limits& limits, const XidFactory& ids,
                               const Snapshot& snapshot, Instant now) {
  auto state = std::make_unique<State>(limits, ids, snapshot);
  for (const Batch& batch : snapshot.batches) {
    for (const QueuedMsg& msg : batch.msgs) {
      const bool is_new = state->holding.insert(msg.msg.id, batch.id);
      PENA_CHECK(is_new);
    }
    // Whoever held it may still be working: it has the full grace from now on.
    state->leases.add(
        {std::make_shared<const Batch>(batch), Lease::State::dropped, room_of(batch, limits)},
        state->grace_end(now));
  }
  return Dispatcher{std::move(state)};
}

Dispatcher::Dispatcher(std::unique_ptr<State> state) : state_(std::move(state)) {}
Dispatcher::Dispatcher(Dispatcher&&) noexcept = default;
Dispatcher& Dispatcher::operator=(Dispatcher&&) noexcept = default;
Dispatcher::~Dispatcher() = default;

Effects Dispatcher::step(Event event, Instant now) {
  Effects effects;
  step(std::move(event), now, effects);
  return effects;
}

void Dispatcher::step(Event&& event, Instant now, Effects& into) {
  // Lent for the step, so that what it adds is put in its place at once.
  std::swap(state_->effects, into);
  state_->latest_date = state_->date(now);
  state_->rates.note(state_->counts, now);
  std::visit([&](auto& happened) { state_->on(std::move(happened), now); }, event);
  ++state_->steps;
  state_->clock = now + state_->clock_ahead;
  state_->grant_in_turn(now);
  state_->settle_queues(now);
  state_->look_for_bodiless();
  state_->bodies_came.reset();
  std::swap(state_->effects, into);
}

std::optional<Instant> Dispatcher::next_timeout() const {
  const State& state = *state_;
  std::optional<Instant> due = state.leases.next_end();
  const auto sooner = [&due](Instant at) {
    due = std::min(due.value_or(at), at);
  };
  // What the first free client could be sent lingers.
  const auto lingers = state.clients.lingering_since();
  if (lingers && !state.draining && !state.lacks_room()) sooner(*lingers + state.limits.linger);
  if (state.next_due && !state.draining && !state.is_due()) {
    sooner(*state.next_due - state.clock_ahead);
  }
  // What it wants of them now it asks for; and what rests wants time.
  if (!state.draining && state.next_bulk() == State::NextBulk::none) {
    if (const auto next = state.reports_kept.next(state.room_runs_out)) {
      sooner(*next - state.clock_ahead);
    }
    if (const auto next = state.fails_kept.next(false)) sooner(*next - state.clock_ahead);
  }
  return due;
}

std::size_t Dispatcher::demand() const {
  const State& state = *state_;
  const ClientState* const first = state.clients.first_free(kGeneratedQueue);
  if (first == nullptr || !first->plan || state.granted_supply() == Supply::none ||
      state.draining || state.lacks_room() || state.waits_for_store(*first) ||
      first->plan->alone()) {
    return 0;
  }
  return state.lack_of_made(*first);
}

Wanted Dispatcher::wanted() const {
  const State& state = *state_;
  if (!state.wanted_bodies.empty()) {
    return WantedBodies{state.steps, state.bodies_of, state.wanted_bodies};
  }
  if (state.is_due() && state.most_due() > 0) {
    return WantedDue{state.steps, state.clock, state.most_due(), state.limits.window_bytes / 4};
  }
  auto refill = state.queues.wanted_refill();
  if (!refill || state.bulk_goes_first) {
    if (auto bulk = state.wanted_bulk()) return *std::move(bulk);
  }
  if (!refill) return {};
  refill->as_of = state.steps;
  return *refill;
}

InMemory Dispatcher::in_memory() const {
  return state_->queues.in_memory();
}

Instant Dispatcher::date(Instant now) const {
  return state_->date(now);
}

Room Dispatcher::hand_over_coming() {
  state_->on_its_way += state_->coming;
  return std::exchange(state_->coming, {});
}

bool Dispatcher::note_room(const Room& room, const Room& on_its_way) {
  state_->room = room;
  state_->on_its_way = on_its_way;
  // Whoever waited for what would be made is to be looked at, where there is no room for it any more.
  if (state_->supply_failed()) return true;
  if (state_->due_waits && state_->most_due() > 0) return true;
  if (!state_->short_of || state_->lacks_room()) return false;
  state_->short_of.reset();
  return true;
}

bool Dispatcher::has_room_for(const Submitted& submitted) const {
  const std::vector<Msg>& msgs = submitted.msgs;
  const bool of_default = submitted.queues.empty();
  const Arrival as{!submitted.names_ids, of_default ? submitted.later.size() : msgs.size(),
                   of_default ? 1 : submitted.queues.size() + 1};
  // Nothing is taken where all are known already.
  return msgs.empty() || state_->has_room_to_accept(msgs, as);
}

bool Dispatcher::has_room_for(const std::vector<Result>& results) const {
  Room room;
  for (const Result& result : results) room += room_of_record(result.json.size());
  return results.empty() || state_->has_room(room + state_->kept_for_one(0));
}

bool Dispatcher::keeps_name(const std::string& queue) const {
  const auto known = state_->names.find(queue);
  return known && state_->names.is_stored(*known);
}

bool Dispatcher::has_room_for_any() const {
  const Msg least;
  return state_->has_room_to_accept({&least, 1}, {true, 1, 2}) && state_->most_made() > 0;
}

bool Dispatcher::waits_for_room() const {
  return (state_->lacks_room() || state_->due_waits) && state_->clients.free() > 0;
}

std::optional<std::string> Dispatcher::queue_too_many(
    const std::vector<std::string>& queues) const {
  return state_->is_too_many(queues);
}

std::optional<std::string> Dispatcher::State::is_too_many(
    const std::vector<std::string>& wanted) const {
  std::size_t have = names.stored();
  for (const std::string& name : wanted) {
    const auto known = names.find(name);
    const bool is_new = !known || !names.is_stored(*known);
    if (is_new && ++have > limits.queues) return name;
  }
  return std::nullopt;
}

bool Dispatcher::makes_room() const {
  return state_->room_runs_out;
}

std::uint64_t Dispatcher::reports_kept() const {
  return state_->reports_kept.kept();
}

bool Dispatcher::has_room_to_spare() const {
  Room spare = room_of_record(2 * state_->limits.payload_bytes);
  spare.side_by_side = 0;
  return state_->room.has(state_->coming + state_->on_its_way + spare + state_->kept_for_one(0));
}

bool Dispatcher::holds(const Xid& id) const {
  return state_->holding.contains(id);
}

std::uint64_t Dispatcher::waiting() const {
  return state_->queues.size() + state_->later;
}

std::uint64_t Dispatcher::grantable() const {
  return state_->queues.size() - state_->held_back.msgs();
}

bool Dispatcher::waits_for_resume() const {
  const HeldBack& held_back = state_->held_back;
  return held_back.msgs() > 0 && (held_back.is_awaited() || grantable() == 0);
}

std::optional<QueueNumber> Dispatcher::queue_number(const std::string& name) const {
  return state_->names.find(name);
}

Supply Dispatcher::supply() const {
  return state_->supply;
}

Counts Dispatcher::counts() const {
  return state_->counts_now();
}

Counts Dispatcher::State::counts_now() const {
  Counts now = counts;
  now.held = holding.size();
  now.clients_free = clients.free();
  now.clients_busy = clients.busy();
  return now;
}

const Batch* Dispatcher::holder(const Xid& id) const {
  const Xid* const held = state_->holding.find(id);
  return held == nullptr ? nullptr : state_->leases.at(*held).batch.get();
}

std::shared_ptr<const Batch> Dispatcher::batch(const Xid& id) const {
  const Lease* const lease = std::as_const(state_->leases).find(id);
  return lease == nullptr ? nullptr : lease->batch;
}

}  // namespace pena::core
