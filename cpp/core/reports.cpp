// What a report settles, and what becomes of msgs that were processed or missed.
#include <algorithm>
#include <unordered_set>
#include <utility>

#include "core/check.hpp"
#include "core/dispatcher_state.hpp"

namespace pena::core {
namespace {

// For so many more, growing as push_back does.
template <class T>
void make_room(std::vector<T>& in, std::size_t more) {
  if (in.capacity() - in.size() < more) in.reserve(std::max(in.size() + more, 2 * in.capacity()));
}

}  // namespace

void Dispatcher::State::on(Reported&& event, Instant now) {
  Verdicts verdicts{event};
  std::vector<Xid> batches;
  std::unordered_set<Xid> seen;  // of these
  std::vector<Xid> elsewhere;
  const auto is_new = [&](const Xid& batch) {
    if (batches.empty() || batches.back() == batch) return batches.empty();
    if (batches.size() == 1) seen.insert(batches.front());  // as a rule there is but one
    return seen.insert(batch).second;
  };
  if (event.batch && leases.contains(*event.batch)) batches.push_back(*event.batch);
  for (const Verdict& said : verdicts.all()) {
    const Xid* const held = holding.find(said.id);
    if (held == nullptr || (event.batch && *held != *event.batch)) {
      // The fence: a retry of an old report names its old batch and settles no newer one.
      elsewhere.push_back(said.id);
    } else if (!event.batch && is_new(*held)) {
      batches.push_back(*held);
    }
  }
  // Without a batch, what is not named is given up only where all that is named is of one batch:
  // otherwise the batches may be others' by now, and each msg is settled by itself.
  const bool means_whole = event.batch || (batches.size() == 1 && elsewhere.empty());
  const bool partial = event.partial || !means_whole;
  if (event.last && event.batch) {
    const auto lease = leases.find(*event.batch);
    const bool holds = lease != leases.end() && lease->second.state == Lease::State::running;
    if (holds) clients.take_no_more(lease->second.batch->client);
  }
  ReportReply reply{event.request, 0, std::move(elsewhere)};
  for (const Xid& batch : batches) {
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
      if (partial) {
        rest.push_back(msg);
      } else {
        miss(*batch, msg, MissReason::omitted, {}, now);
      }
    } else if (said->missed) {
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
    effects.writes.emplace_back(PutBatch{lease.batch, true});
  }
  // A client that is connected has shown that it works: its lease begins again. A grace does not.
  if (lease.state != Lease::State::running) return;
  deadlines.clear(lease.batch->id, lease.ends_at);
  lease.ends_at = now + limits.timing.lease;
  deadlines.set(lease.batch->id, lease.ends_at);
}

// Of a batch whose msgs are all settled. `lease` is gone afterwards.
void Dispatcher::State::end_batch(const Lease& lease) {
  const Xid id = lease.batch->id;
  effects.writes.emplace_back(DropBatch{id});
  deadlines.clear(id, lease.ends_at);
  if (lease.state == Lease::State::running) free_client(lease.batch->client);
  release(lease.room);
  leases.erase(id);
}

// Of a client whose batch is settled.
void Dispatcher::State::free_client(const Xid& session) {
  const ClientState* client = clients.find(session);
  if (client == nullptr || client->batches_left != 0) return clients.make_free(session);
  clients.leave(session);
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
  msg.misses.push_back(
      Miss{batch.id, batch.client, batch.granted_at, date(now), reason, std::move(error)});
  if (msg.attempt() > limits.max_resends + 1) {
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

}  // namespace pena::core
