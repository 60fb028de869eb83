#include "core/dispatcher.hpp"

#include <algorithm>
#include <utility>

#include "core/check.hpp"
#include "core/dispatcher_state.hpp"

namespace pena::core {
namespace {

// What the queue grows by. Msgs in order share their pages. Others may each fall into another one of
// those that there are, which are no more than the msgs that are queued.
Room room_of_msgs(std::span<const Msg> msgs, bool in_order, std::uint64_t queued) {
  Room room;
  std::uint64_t small_bytes = 0;
  std::uint64_t small = 0;
  for (const Msg& msg : msgs) {
    const std::uint64_t bytes = kMsgFields + msg.payload.size();
    const Room record = room_of_record(bytes);
    if (record.side_by_side == 0) {
      small_bytes += bytes;
      ++small;
    } else {
      room += record;
    }
  }
  if (small == 0) return room;
  // Two records to a page, half of each of them empty, and the branches above.
  const std::uint64_t shared = kPagesOfRecord + small_bytes * 3 / kRoomPage;
  const std::uint64_t apart = in_order ? 0 : std::min(small, queued) * kPagesOfRecord;
  room.pages += shared + apart;
  return room;
}

// As record_bytes() has it.
std::uint64_t largest_of(std::span<const Msg> msgs) {
  std::size_t payload = 0;
  for (const Msg& msg : msgs) payload = std::max(payload, msg.payload.size());
  return kMsgFields + payload;
}

}  // namespace

// ---- what comes in

void Dispatcher::State::on(Submitted&& event, Instant now) {
  counts.submitted += event.msgs.size();
  accept(std::move(event.msgs), !event.names_ids, now);
  effects.sends.emplace_back(SubmitReply{event.request});
}

void Dispatcher::State::on(Generated&& event, Instant now) {
  counts.generated += event.msgs.size();
  accept(std::move(event.msgs), true, now);
}

void Dispatcher::State::accept(std::vector<Msg>&& msgs, bool in_order, Instant now) {
  coming += room_of_msgs(msgs, in_order, queue.size());
  largest = std::max(largest, largest_of(msgs));
  next.reset();
  queue.add_fresh(std::move(msgs), date(now), effects.writes);
}

bool Dispatcher::State::has_room_to_accept(std::span<const Msg> msgs, bool in_order) const {
  return has_room(room_of_msgs(msgs, in_order, queue.size()) + kept_for_one(largest_of(msgs)));
}

void Dispatcher::State::enqueue(QueuedMsg&& msg) {
  largest = std::max(largest, record_bytes(msg));
  next.reset();
  queue.add(std::move(msg), effects.writes);
}

void Dispatcher::State::on(SupplyChanged&& event, Instant /*now*/) {
  next.reset();
  supply = event.supply;
}

void Dispatcher::State::on(ClockRead&& event, Instant now) {
  // Dates never go back, so one that is no date would stay for good.
  if (now + event.ahead < XidFactory::kEndOfDates) clock_ahead = event.ahead;
}

void Dispatcher::State::on(Refilled&& event, Instant /*now*/) {
  PENA_CHECK(event.as_of == steps);
  next.reset();
  queue.refill(std::move(event.msgs), event.more);
}

void Dispatcher::State::on(BodiesRead&& event, Instant /*now*/) {
  PENA_CHECK(event.as_of == steps);
  queue.bodies_read(std::move(event.msgs));
  bodies_came = true;
}

void Dispatcher::State::on(DrainBegan&& /*event*/, Instant /*now*/) {
  draining = true;
}

// ---- clients

void Dispatcher::State::on(ClientJoined&& event, Instant /*now*/) {
  ++counts.clients_joined;
  clients.join(event.client, event.batchsize, event.takes_short, event.batches);
}

void Dispatcher::State::on(ClientLost&& event, Instant now) {
  const ClientState* client = clients.find(event.client);
  if (client == nullptr) return;
  ++counts.clients_lost;
  // Not a release: the client may still be working. Its msgs wait for the grace (R6).
  if (client->batch) begin_grace(leases.at(*client->batch), Lease::State::dropped, now);
  clients.leave(event.client);
}

// ---- time

void Dispatcher::State::on(TimeReached&& /*event*/, Instant now) {
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
  clients.leave(client);
  effects.sends.emplace_back(
      CloseStream{client, "the lease of its batch ended without a report", false});
}

void Dispatcher::State::end_grace(const Lease& lease, Instant now) {
  const auto reason =
      lease.state == Lease::State::expired ? MissReason::expired : MissReason::dropped;
  const std::shared_ptr<const Batch> batch = lease.batch;
  for (const QueuedMsg& msg : batch->msgs) miss(*batch, msg, reason, {}, now);
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
  std::visit([&](auto& happened) { state_->on(std::move(happened), now); }, event);
  ++state_->steps;
  state_->grant_in_turn(now);
  state_->queue.write_added(state_->effects.writes);
  if (state_->queue.empty()) state_->largest = 0;
  // Known only now, for bodies may just have been forgotten.
  state_->wanted_bodies =
      state_->bodiless ? state_->queue.without_body(*state_->bodiless) : std::vector<Xid>{};
  std::swap(state_->effects, into);
}

std::optional<Instant> Dispatcher::next_timeout() const {
  const State& state = *state_;
  const std::optional<Instant> due = state.leases.next_end();
  // What the first free client could be sent lingers.
  const bool lingers = state.next && !state.draining && state.waits_since &&
                       state.next->plan.size() > 0 && !state.holds_back_short() &&
                       !state.lacks_room();
  if (!lingers) return due;
  const Instant lingered = *state.waits_since + state.limits.linger;
  return due ? std::min(*due, lingered) : lingered;
}

std::size_t Dispatcher::demand() const {
  const State& state = *state_;
  if (!state.next || state.supply == Supply::none || state.draining || state.lacks_room() ||
      state.queue.more_in_store() || state.next->plan.alone) {
    return 0;
  }
  return std::min(state.next->lacks(), state.most_made());
}

Wanted Dispatcher::wanted() const {
  if (!state_->wanted_bodies.empty()) return WantedBodies{state_->steps, state_->wanted_bodies};
  if (!state_->queue.more_in_store()) return {};
  const bool hungry = state_->next && !state_->draining && state_->next->lacks() > 0;
  auto refill = state_->queue.wanted_refill(hungry);
  if (!refill) return {};
  refill->as_of = state_->steps;
  return *refill;
}

InMemory Dispatcher::in_memory() const {
  return state_->queue.in_memory();
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
  if (!state_->short_of || state_->lacks_room()) return false;
  state_->short_of.reset();
  return true;
}

bool Dispatcher::has_room_for(const std::vector<Msg>& msgs, bool in_order) const {
  // Nothing is taken where all are known already.
  return msgs.empty() || state_->has_room_to_accept(msgs, in_order);
}

bool Dispatcher::has_room_for_any() const {
  const Msg least;
  return state_->has_room_to_accept({&least, 1}, true) && state_->most_made() > 0;
}

bool Dispatcher::waits_for_room() const {
  return state_->lacks_room() && state_->clients.first_free() != nullptr;
}

bool Dispatcher::knows(const Xid& id) const {
  return state_->holding.contains(id) || state_->queue.contains(id);
}

std::uint64_t Dispatcher::queued() const {
  return state_->queue.size();
}

Supply Dispatcher::supply() const {
  return state_->supply;
}

Counts Dispatcher::counts() const {
  Counts counts = state_->counts;
  counts.held = state_->holding.size();
  counts.clients_free = state_->clients.free();
  counts.clients_busy = state_->clients.busy();
  return counts;
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
