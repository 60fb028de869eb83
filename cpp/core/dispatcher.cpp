#include "core/dispatcher.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "core/check.hpp"
#include "core/clients.hpp"
#include "core/cut_text.hpp"
#include "core/deadlines.hpp"
#include "core/holders.hpp"
#include "core/planted.hpp"
#include "core/queue.hpp"
#include "core/verdicts.hpp"

namespace pena::core {
namespace {

// For so many more, growing as push_back does.
template <class T>
void make_room(std::vector<T>& in, std::size_t more) {
  if (in.capacity() - in.size() < more) in.reserve(std::max(in.size() + more, 2 * in.capacity()));
}

// A batch and how far its client is from losing it.
struct Lease {
  enum class State {
    running,  // the client is connected and in time
    dropped,  // its stream was lost (or the server was restarted): the grace runs
    expired,  // its time was over: the grace runs
  };
  std::shared_ptr<const Batch> batch;
  State state = State::running;
  Instant ends_at;  // of the lease while it runs, then of the grace
  Room room;        // kept free in the store for what becomes of its msgs
};

Room room_of(const Batch& batch, const Limits& limits) {
  BatchRoom room{limits};
  for (const QueuedMsg& msg : batch.msgs) room.add(msg);
  return room.total();
}

// What the queue grows by. Msgs in order share their pages, others may each fall into another one.
Room room_of_msgs(const std::vector<Msg>& msgs, bool in_order) {
  constexpr std::uint64_t kFields = 64;
  Room room;
  std::uint64_t small_bytes = 0;
  for (const Msg& msg : msgs) {
    const std::uint64_t bytes = kFields + msg.payload.size();
    const Room record = room_of_record(bytes);
    if (in_order && record.side_by_side == 0) {
      small_bytes += bytes;
    } else {
      room += record;
    }
  }
  // Two records to a page, half of each of them empty, and the branches above.
  if (small_bytes > 0) room.pages += kPagesOfRecord + small_bytes * 3 / kRoomPage;
  return room;
}

}  // namespace

struct Dispatcher::State {
  State(const Limits& limits_given, const XidFactory& ids_given, const Snapshot& snapshot)
      : limits(limits_given),
        ids(ids_given),
        queue(limits_given, snapshot.queue_waits),
        supply(snapshot.supply) {}

  Limits limits;
  XidFactory ids;
  Queue queue;
  Clients clients;
  std::unordered_map<Xid, Lease> leases;  // by batch
  Holders holding;                        // msg → batch
  Deadlines deadlines;                    // by batch
  Supply supply;
  bool draining = false;
  // Since when the client whose turn it is has gone without msgs that were there: they did not fill
  // its batch, or filled another's.
  std::optional<Instant> waits_since;
  std::optional<Xid> overtaken;  // the client whose turn it is, if another was served before it
  // What the client whose turn it is could be sent; made once, until the queue or the turn changes.
  struct Next {
    Xid client;
    std::uint32_t batchsize = 0;
    BatchPlan plan;
    [[nodiscard]] std::size_t lacks() const { return batchsize - plan.size(); }
  };
  std::optional<Next> next;
  std::optional<BatchPlan> bodiless;  // what would be granted if it were in memory whole
  std::vector<Xid> wanted_bodies;     // what of it is not
  bool bodies_came = false;           // in this step, for it
  Counts counts;
  Duration clock_ahead{};  // of the time that steps are given
  Instant latest_date{};   // that a step had
  Effects effects;         // of the step that runs

  Room room = Room::endless();   // as of the last commit
  Room kept;                     // of all leases
  Room coming;                   // of msgs that came since the last commit
  std::optional<Room> short_of;  // what the next msg lacks where none can be granted

  // Events, one each.
  void on(Submitted&& event, Instant now);
  void on(Generated&& event, Instant now);
  void on(SupplyChanged&& event, Instant now);
  void on(ClientJoined&& event, Instant now);
  void on(ClientLost&& event, Instant now);
  void on(Reported&& event, Instant now);
  void on(TimeReached&& event, Instant now);
  void on(ClockRead&& event, Instant now);
  void on(Refilled&& event, Instant now);
  void on(BodiesRead&& event, Instant now);
  void on(DrainBegan&& event, Instant now);

  [[nodiscard]] Instant date(Instant now) const { return std::max(latest_date, now + clock_ahead); }
  void accept(std::vector<Msg>&& msgs, bool in_order, Instant now);
  void enqueue(QueuedMsg&& msg);
  void grant_in_turn(Instant now);
  bool overtake(const ClientState& first, Instant now);
  [[nodiscard]] BatchPlan plan_for(const ClientState& client) const;
  [[nodiscard]] const BatchPlan& plan_for_first(const ClientState& first);
  [[nodiscard]] bool ready(const BatchPlan& plan, const ClientState& client, Instant now) const;
  bool has_bodies(BatchPlan& plan);
  bool grant(const ClientState& client, const BatchPlan& plan, Instant now);
  [[nodiscard]] bool has_room(const Room& need) const { return room.has(kept + coming + need); }
  // The next msg waits for room: no time makes it come.
  [[nodiscard]] bool lacks_room() const { return short_of && !has_room(*short_of); }
  // So many msgs of a generator, which have no payload, would find room in the queue and in a batch.
  [[nodiscard]] std::size_t most_made() const {
    const std::uint64_t rest = kept.pages + coming.pages + 6 * kPagesOfRecord;
    return rest > room.pages ? 0 : (room.pages - rest) / (kPagesOfRecord + 2);
  }
  // What was kept is being used, until the next commit says how much there is.
  void release(const Room& of_lease) {
    kept -= of_lease;
    coming += of_lease;
  }
  [[nodiscard]] Room keep_what_fits(std::vector<QueuedMsg>& msgs);
  void note_waiting(Instant now, bool first_served);
  [[nodiscard]] bool holds_back_short() const;

  std::uint64_t settle(Lease& lease, Verdicts& verdicts, bool partial, Instant now);
  void keep_rest(Lease& lease, std::vector<QueuedMsg>&& rest, Instant now);
  void end_batch(const Lease& lease);
  void free_client(const Xid& session);
  void report_msg(const Batch& batch, const QueuedMsg& msg, Instant now);
  void miss(const Batch& batch, QueuedMsg msg, MissReason reason, std::string error, Instant now);
  void begin_grace(Lease& lease, Lease::State state, Instant now);
  void expire(Lease& lease, Instant now);
  void end_grace(const Lease& lease, Instant now);
  void count_miss(MissReason reason);
  [[nodiscard]] std::string kept_error(const std::string& said) const {
    return PENA_BUG(error_uncut) ? said : cut_text(said, limits.error_bytes);
  }
};

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
  coming += room_of_msgs(msgs, in_order);
  next.reset();
  const Instant at = date(now);
  std::vector<QueuedMsg> fresh;
  fresh.reserve(msgs.size());
  for (Msg& msg : msgs) fresh.push_back({std::move(msg), at, at, {}});
  queue.add_fresh(std::move(fresh), effects.writes);
}

void Dispatcher::State::enqueue(QueuedMsg&& msg) {
  next.reset();
  queue.add(std::move(msg), effects.writes);
}

void Dispatcher::State::on(SupplyChanged&& event, Instant /*now*/) {
  next.reset();
  supply = event.supply;
}

void Dispatcher::State::on(ClockRead&& event, Instant /*now*/) {
  clock_ahead = event.ahead;
}

void Dispatcher::State::on(Refilled&& event, Instant /*now*/) {
  next.reset();
  queue.refill(std::move(event.msgs), event.more);
}

void Dispatcher::State::on(BodiesRead&& event, Instant /*now*/) {
  queue.bodies_read(std::move(event.msgs));
  bodies_came = true;
}

void Dispatcher::State::on(DrainBegan&& /*event*/, Instant /*now*/) {
  draining = true;
}

// ---- clients

void Dispatcher::State::on(ClientJoined&& event, Instant /*now*/) {
  ++counts.clients_joined;
  clients.join(event.session, event.batchsize, event.takes_short, event.batches);
}

void Dispatcher::State::on(ClientLost&& event, Instant now) {
  const ClientState* client = clients.find(event.session);
  if (client == nullptr) return;
  ++counts.clients_lost;
  // Not a release: the client may still be working. Its msgs wait for the grace (R6).
  if (client->batch) begin_grace(leases.at(*client->batch), Lease::State::dropped, now);
  clients.leave(event.session);
}

// ---- grants

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
      BatchPlan plan = next->plan;
      if (lacks_room() || !has_bodies(plan)) break;
      if (!grant(*first, plan, now)) break;
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
  if (lacks_room() || !has_bodies(plan)) return false;
  const Xid turn = first.session;
  if (!grant(*other, plan, now)) return false;
  overtaken = turn;
  return true;
}

// False where the store is to be asked first. What it leaves out then, because the msgs are too large
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
  if (!PENA_BUG(bodies_not_asked_for)) bodiless = plan;
  return false;
}

BatchPlan Dispatcher::State::plan_for(const ClientState& client) const {
  return queue.plan(client.batchsize, client.takes_short, supply != Supply::none);
}

const BatchPlan& Dispatcher::State::plan_for_first(const ClientState& first) {
  if (!next || next->client != first.session) {
    next = Next{first.session, first.batchsize, plan_for(first)};
  }
  return next->plan;
}

// What would go out short waits: for the generator, which is about to be asked, or for the refill.
bool Dispatcher::State::holds_back_short() const {
  return supply == Supply::open || (supply == Supply::later && PENA_BUG(rate_holds_back)) ||
         queue.more_in_store();
}

bool Dispatcher::State::ready(const BatchPlan& plan, const ClientState& client, Instant now) const {
  if (plan.size() == client.batchsize || plan.alone || plan.full) return true;
  if (plan.size() == 0 || holds_back_short()) return false;
  if (client.takes_short || plan.apart) return true;
  return waits_since && now >= *waits_since + limits.linger;
}

// As many of the msgs as there is room for; the others go back into the queue. What the rest needs.
Room Dispatcher::State::keep_what_fits(std::vector<QueuedMsg>& msgs) {
  BatchRoom room_of_all{limits};
  Room need;
  short_of.reset();
  for (std::size_t i = 0; i < msgs.size(); ++i) {
    room_of_all.add(msgs[i]);
    const Room with_it = room_of_all.total();
    if (has_room(with_it) || PENA_BUG(grants_without_room)) {
      need = with_it;
      continue;
    }
    if (i == 0) short_of = with_it;
    for (std::size_t back = i; back < msgs.size(); ++back) {
      enqueue(std::move(msgs[back]));
    }
    msgs.erase(msgs.begin() + static_cast<std::ptrdiff_t>(i), msgs.end());
  }
  return need;
}

// False where there is no room for a single msg.
bool Dispatcher::State::grant(const ClientState& client, const BatchPlan& plan, Instant now) {
  if (lacks_room()) return false;
  std::vector<QueuedMsg> msgs = queue.take(plan, effects.writes);
  next.reset();  // and with it `plan`, where that is the first one's
  const Room need = keep_what_fits(msgs);
  if (msgs.empty()) return false;
  auto batch = std::make_shared<Batch>();
  batch->id = ids.next(date(now));
  batch->client = client.session;
  batch->granted_at = date(now);
  batch->msgs = std::move(msgs);
  kept += need;
  for (const QueuedMsg& msg : batch->msgs) {
    const bool is_new = holding.insert(msg.msg.id, batch->id);
    PENA_CHECK(is_new);
    ++counts.sent;
    if (msg.attempt() > 1) ++counts.resent;
  }
  ++counts.batches;
  const Instant ends_at = (PENA_BUG(leases_by_date) ? date(now) : now) + limits.timing.lease;
  effects.writes.emplace_back(PutBatch{batch});
  effects.sends.emplace_back(SendBatch{client.session, batch, ends_at});
  deadlines.set(batch->id, ends_at);
  clients.make_busy(client.session, batch->id);
  leases.emplace(batch->id, Lease{batch, Lease::State::running, ends_at, need});
  return true;
}

void Dispatcher::State::note_waiting(Instant now, bool first_served) {
  const ClientState* first = clients.first_free();
  if (first == nullptr || first->session != overtaken) overtaken.reset();
  if (queue.empty() && (!overtaken || PENA_BUG(overtaken_for_ever))) {
    waits_since.reset();
  } else if (first_served || !waits_since) {
    waits_since = now;
  }
}

// ---- reports

void Dispatcher::State::on(Reported&& event, Instant now) {
  Verdicts verdicts{event};
  std::vector<Xid> batches;
  std::vector<Xid> elsewhere;
  if (event.batch && leases.contains(*event.batch)) batches.push_back(*event.batch);
  for (const Verdict& said : verdicts.all()) {
    const Xid* const held = holding.find(said.id);
    const bool other_batch = event.batch && held != nullptr && *held != *event.batch;
    if (held == nullptr || (other_batch && !PENA_BUG(no_fence))) {
      // The fence: a retry of an old report names its old batch and settles no newer one.
      elsewhere.push_back(said.id);
    } else if ((!event.batch || PENA_BUG(no_fence)) &&
               std::ranges::find(batches, *held) == batches.end()) {
      batches.push_back(*held);
    }
  }
  // Without a batch, what is not named is given up only where all that is named is of one batch:
  // otherwise the batches may be others' by now, and each msg is settled by itself.
  const bool means_whole = event.batch || (batches.size() == 1 && elsewhere.empty());
  const bool partial = event.partial || (!means_whole && !PENA_BUG(list_settles_all));
  if (event.last && event.batch) {
    const auto lease = leases.find(*event.batch);
    const bool holds = lease != leases.end() && lease->second.state == Lease::State::running;
    if (holds && !PENA_BUG(last_ignored)) clients.take_no_more(lease->second.batch->client);
  }
  ReportReply reply{event.request, 0, std::move(elsewhere)};
  for (const Xid& batch : batches) {
    if (PENA_BUG(no_report_in_grace) && leases.at(batch).state != Lease::State::running) continue;
    reply.reported += settle(leases.at(batch), verdicts, partial, now);
  }
  effects.sends.emplace_back(std::move(reply));
}

// How many msgs it took as processed.
std::uint64_t Dispatcher::State::settle(Lease& lease, Verdicts& verdicts, bool partial,
                                        Instant now) {
  const std::shared_ptr<const Batch> batch = lease.batch;
  std::vector<QueuedMsg> rest;
  std::uint64_t reported = 0;
  make_room(effects.writes, batch->msgs.size() + 1);
  for (const QueuedMsg& msg : batch->msgs) {
    const Verdict* const said = verdicts.find(msg.msg.id);
    if (said == nullptr) {
      if (partial && !PENA_BUG(partial_settles_all)) {
        rest.push_back(msg);
      } else {
        miss(*batch, msg, MissReason::omitted, {}, now);
      }
    } else if (said->missed &&
               !(PENA_BUG(failed_is_reported) && said->missed == MissReason::failed) &&
               !(PENA_BUG(refused_is_reported) && said->missed == MissReason::refused)) {
      miss(*batch, msg, *said->missed, said->error == nullptr ? "" : kept_error(*said->error), now);
    } else {
      report_msg(*batch, msg, now);
      ++reported;
    }
  }
  if (rest.empty()) {
    end_batch(lease);
  } else {
    keep_rest(lease, std::move(rest), now);
  }
  return reported;
}

void Dispatcher::State::keep_rest(Lease& lease, std::vector<QueuedMsg>&& rest, Instant now) {
  if (rest.size() != lease.batch->msgs.size()) {
    auto left = std::make_shared<Batch>();
    left->id = lease.batch->id;
    left->client = lease.batch->client;
    left->granted_at = lease.batch->granted_at;
    left->msgs = std::move(rest);
    lease.batch = std::move(left);
    release(lease.room);
    kept += lease.room = room_of(*lease.batch, limits);
    if (!PENA_BUG(partial_not_written)) effects.writes.emplace_back(PutBatch{lease.batch, true});
  }
  // A client that is connected has shown that it works: its lease begins again. A grace does not.
  if (lease.state != Lease::State::running) return;
  if (!PENA_BUG(extended_twice)) deadlines.clear(lease.batch->id, lease.ends_at);
  lease.ends_at = now + limits.timing.lease;
  deadlines.set(lease.batch->id, lease.ends_at);
}

// Of a batch whose msgs are all settled. `lease` is gone afterwards.
void Dispatcher::State::end_batch(const Lease& lease) {
  const Xid id = lease.batch->id;
  effects.writes.emplace_back(DropBatch{id});
  if (!PENA_BUG(lease_not_cleared)) deadlines.clear(id, lease.ends_at);
  if (lease.state == Lease::State::running || PENA_BUG(frees_lost_client)) {
    free_client(lease.batch->client);
  }
  release(lease.room);
  leases.erase(id);
}

// Of a client whose batch is settled.
void Dispatcher::State::free_client(const Xid& session) {
  const ClientState* client = clients.find(session);
  if (client == nullptr || client->batches_left != 0) return clients.make_free(session);
  clients.leave(session);
  if (PENA_BUG(complete_stream_open)) return;
  effects.sends.emplace_back(CloseStream{session, "all batches are settled", true});
}

void Dispatcher::State::report_msg(const Batch& batch, const QueuedMsg& msg, Instant now) {
  holding.erase(msg.msg.id);
  ++counts.reported;
  effects.writes.emplace_back(
      PutReport{ReportRecord{msg.msg.id, msg.msg.period, batch.id, batch.client, msg.accepted_at,
                             batch.granted_at, date(now), msg.misses}});
}

void Dispatcher::State::miss(const Batch& batch, QueuedMsg msg, MissReason reason,
                             std::string error, Instant now) {
  holding.erase(msg.msg.id);
  count_miss(reason);
  if (!PENA_BUG(refusal_is_no_attempt) || reason != MissReason::refused) {
    msg.misses.push_back(
        Miss{batch.id, batch.client, batch.granted_at, date(now), reason, std::move(error)});
  }
  const int most = limits.max_resends + 1 + (PENA_BUG(one_attempt_too_many) ? 1 : 0) -
                   (PENA_BUG(one_attempt_too_few) ? 1 : 0);
  if (msg.attempt() > most) {
    ++counts.failed;
    effects.writes.emplace_back(
        PutFail{FailRecord{std::move(msg.msg), msg.accepted_at, date(now), std::move(msg.misses)}});
    return;
  }
  msg.queued_at = date(now);
  enqueue(std::move(msg));
}

void Dispatcher::State::count_miss(MissReason reason) {
  switch (reason) {
    case MissReason::omitted:
      ++counts.omitted;
      break;
    case MissReason::failed:
      ++counts.said_failed;
      break;
    case MissReason::refused:
      ++counts.refused;
      break;
    case MissReason::dropped:
      ++counts.dropped;
      break;
    case MissReason::expired:
      ++counts.expired;
      break;
  }
}

// ---- time

void Dispatcher::State::on(TimeReached&& /*event*/, Instant now) {
  while (const auto batch = deadlines.pop(now)) {
    Lease& lease = leases.at(*batch);
    if (lease.state == Lease::State::running) {
      expire(lease, now);
    } else {
      end_grace(lease, now);
    }
  }
}

void Dispatcher::State::begin_grace(Lease& lease, Lease::State state, Instant now) {
  deadlines.clear(lease.batch->id, lease.ends_at);
  lease.state = state;
  Duration grace = limits.timing.drop_grace;
  if (PENA_BUG(grace_equals_silence)) grace = limits.timing.silence;
  if (PENA_BUG(resend_on_drop) && state == Lease::State::dropped) grace = Duration::zero();
  lease.ends_at = now + grace;
  deadlines.set(lease.batch->id, lease.ends_at);
}

void Dispatcher::State::expire(Lease& lease, Instant now) {
  const Xid session = lease.batch->client;
  begin_grace(lease, Lease::State::expired, now);
  ++counts.clients_lost;
  clients.leave(session);
  if (PENA_BUG(expired_stream_open)) return;
  effects.sends.emplace_back(
      CloseStream{session, "the lease of its batch ended without a report", false});
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
    // Whoever held it may still be working: it has the full grace from now on.
    Lease lease{std::make_shared<const Batch>(batch), Lease::State::dropped, now,
                room_of(batch, limits)};
    state->kept += lease.room;
    for (const QueuedMsg& msg : batch.msgs) {
      const bool is_new = state->holding.insert(msg.msg.id, batch.id);
      PENA_CHECK(is_new);
    }
    auto& kept = state->leases.emplace(batch.id, std::move(lease)).first->second;
    state->begin_grace(kept, Lease::State::dropped, now);
    if (PENA_BUG(no_wait_after_restart)) {
      state->deadlines.clear(batch.id, kept.ends_at);
      state->deadlines.set(batch.id, kept.ends_at = now);
    }
  }
  return Dispatcher{std::move(state)};
}

Dispatcher::Dispatcher(std::unique_ptr<State> state) : state_(std::move(state)) {}
Dispatcher::Dispatcher(Dispatcher&&) noexcept = default;
Dispatcher& Dispatcher::operator=(Dispatcher&&) noexcept = default;
Dispatcher::~Dispatcher() = default;

Effects Dispatcher::step(Event&& event, Instant now) {
  Effects effects;
  step(std::move(event), now, effects);
  return effects;
}

void Dispatcher::step(Event&& event, Instant now, Effects& into) {
  // Lent for the step, so that what it adds is put in its place at once.
  std::swap(state_->effects, into);
  state_->latest_date = state_->date(now);
  std::visit([&](auto& happened) { state_->on(std::move(happened), now); }, event);
  state_->grant_in_turn(now);
  state_->queue.write_added(state_->effects.writes);
  // Known only now, for bodies may just have been forgotten.
  state_->wanted_bodies =
      state_->bodiless ? state_->queue.without_body(*state_->bodiless) : std::vector<Xid>{};
  state_->counts.held = state_->holding.size();
  state_->counts.clients_free = state_->clients.free();
  state_->counts.clients_busy = state_->clients.busy();
  std::swap(state_->effects, into);
}

Effects Dispatcher::step(const Event& event, Instant now) {
  return step(Event{event}, now);
}

std::optional<Instant> Dispatcher::next_timeout() const {
  const State& state = *state_;
  const std::optional<Instant> due = state.deadlines.next();
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

std::optional<WantedRefill> Dispatcher::wanted_refill() const {
  if (!state_->queue.more_in_store()) return std::nullopt;
  const bool hungry = state_->next && !state_->draining && state_->next->lacks() > 0;
  return state_->queue.wanted_refill(hungry);
}

const std::vector<Xid>& Dispatcher::wanted_bodies() const {
  return state_->wanted_bodies;
}

InMemory Dispatcher::in_memory() const {
  return state_->queue.in_memory();
}

Instant Dispatcher::date(Instant now) const {
  return state_->date(now);
}

bool Dispatcher::note_room(const Room& room) {
  state_->room = room;
  state_->coming = {};
  if (!state_->short_of || state_->lacks_room()) return false;
  state_->short_of.reset();
  return true;
}

bool Dispatcher::has_room_for(const std::vector<Msg>& msgs, bool in_order) const {
  return state_->has_room(room_of_msgs(msgs, in_order));
}

bool Dispatcher::waits_for_room() const {
  return state_->lacks_room() && state_->clients.first_free() != nullptr;
}

bool Dispatcher::knows(const Xid& id) const {
  return state_->holding.contains(id) || state_->queue.contains(id);
}

const Counts& Dispatcher::counts() const {
  return state_->counts;
}

const Batch* Dispatcher::holder(const Xid& id) const {
  const Xid* const held = state_->holding.find(id);
  return held == nullptr ? nullptr : state_->leases.at(*held).batch.get();
}

std::shared_ptr<const Batch> Dispatcher::batch(const Xid& id) const {
  const auto lease = state_->leases.find(id);
  return lease == state_->leases.end() ? nullptr : lease->second.batch;
}

}  // namespace pena::core
