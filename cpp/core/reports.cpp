// What a report settles, and what becomes of msgs that were processed or missed.
#include <algorithm>
#include <span>
#include <unordered_set>
#include <utility>

#include "core/backoff.hpp"
#include "core/check.hpp"
#include "core/content.hpp"
#include "core/dispatcher_state.hpp"

namespace pena::core {
namespace {

// Batches, each once, in the order in which they came.
class Batches {
 public:
  void add(const Xid& batch) {
    // As a rule there is but one.
    if (!all_.empty() && all_.back() == batch) return;
    if (all_.size() == 1) seen_.insert(all_.front());
    if (all_.empty() || seen_.insert(batch).second) all_.push_back(batch);
  }
  [[nodiscard]] std::vector<Xid>& all() { return all_; }

 private:
  std::vector<Xid> all_;
  std::unordered_set<Xid> seen_;
};

// For so many more, growing as push_back does.
template <class T>
void make_room(std::vector<T>& in, std::size_t more) {
  if (in.capacity() - in.size() < more) in.reserve(std::max(in.size() + more, 2 * in.capacity()));
}

}  // namespace

void Dispatcher::State::on(Reported&& event, Instant now) {
  if (event.client) return see_off(event.request, *event.client);
  Verdicts verdicts{event};
  ReportReply reply{event.request, 0, {}};
  const std::vector<Xid> batches = batches_of(event, verdicts, reply.elsewhere);
  // Without a batch, what is not named is given up only where all that is named is of one batch:
  // otherwise the batches may be others' by now, and each msg is settled by itself.
  const bool means_whole = event.batch || (batches.size() == 1 && reply.elsewhere.empty());
  const bool partial = event.partial || !means_whole;
  if (event.last && event.batch) send_no_more(*event.batch);
  for (const Xid& batch : batches) {
    reply.reported += settle(leases.at(batch), verdicts, partial, now);
  }
  reply.batch = event.batch;
  reply.batch_gone = event.batch && batches.empty();
  if (reply.batch_gone) note_held(*event.batch, reply.elsewhere);
  reply.batches_granted = counts.batches;
  const Lease* const left = event.batch ? leases.find(*event.batch) : nullptr;
  if (event.batch) reply.held = left == nullptr ? 0 : left->batch->msgs.size();
  const bool is_running = left != nullptr && left->state == Lease::State::running;
  reply.not_kept = event.batch && event.partial && verdicts.all().empty() && !is_running;
  effects.sends.emplace_back(std::move(reply));
}

// Those that the report settles something of. What it names beside them goes to `elsewhere`.
std::vector<Xid> Dispatcher::State::batches_of(const Reported& report, const Verdicts& verdicts,
                                               std::vector<NamedId>& elsewhere) const {
  Batches batches;
  const Lease* const lease = report.batch ? leases.find(*report.batch) : nullptr;
  if (lease != nullptr) batches.add(*report.batch);
  // What is said of that batch, msg by msg as it holds them, need not be looked up.
  std::span<const QueuedMsg> its_next;
  if (lease != nullptr) its_next = lease->batch->msgs;
  for (const Verdict& said : verdicts.all()) {
    if (!its_next.empty() && its_next.front().msg.id == said.id) {
      its_next = its_next.subspan(1);
      continue;
    }
    const Xid* const held = holding.find(said.id);
    if (held == nullptr || (report.batch && *held != *report.batch)) {
      // The fence: a retry of an old report names its old batch and settles no newer one.
      elsewhere.push_back({said.id, !said.missed});
    } else if (!report.batch) {
      batches.add(*held);
    }
  }
  return std::move(batches.all());
}

// Of what other batches hold by now. `elsewhere` is in the order of the ids; each of those batches is walked
// through once, however many of its msgs are named.
void Dispatcher::State::note_held(const Xid& batch, std::vector<NamedId>& elsewhere) const {
  Batches holders;
  for (const NamedId& named : elsewhere) {
    if (const Xid* const held = holding.find(named.id)) holders.add(*held);
  }
  for (const Xid& holder : holders.all()) {
    for (const QueuedMsg& msg : leases.find(holder)->batch->msgs) {
      // A report may name it twice.
      auto named = std::ranges::lower_bound(elsewhere, msg.msg.id, {}, &NamedId::id);
      for (; named != elsewhere.end() && named->id == msg.msg.id; ++named) {
        const bool taken = taken_under(batch, named->processed, msg.misses);
        named->held = taken ? NamedId::Held::taken : NamedId::Held::not_taken;
      }
    }
  }
}

// To the client that holds the batch, if it is connected.
void Dispatcher::State::send_no_more(const Xid& batch) {
  const Lease* const lease = leases.find(batch);
  const bool holds = lease != nullptr && lease->state == Lease::State::running;
  if (holds) clients.send_no_more(lease->batch->client);
}

// Of a client that takes no more. A batch that it was granted may still be on its way: it is told how many
// msgs to wait for, as one that closes its stream then would cost them an attempt.
void Dispatcher::State::see_off(RequestId request, const Xid& client) {
  ReportReply reply{request};
  const ClientState* const known = clients.find(client);
  const bool is_busy = known != nullptr && known->batch;
  reply.held = is_busy ? leases.at(*known->batch).batch->msgs.size() : 0;
  if (is_busy) {
    clients.send_no_more(client);
  } else if (known != nullptr) {
    end_well(client, "the client takes no more");
  }
  effects.sends.emplace_back(std::move(reply));
}

// How many msgs it took as processed.
std::uint64_t Dispatcher::State::settle(Lease& lease, Verdicts& verdicts, bool partial,
                                        Instant now) {
  const std::shared_ptr<const Batch> batch = lease.batch;
  const std::uint64_t reported_before = counts.reported;
  std::vector<QueuedMsg> rest;
  make_room(effects.writes, batch->msgs.size() + 1);
  for (const QueuedMsg& msg : batch->msgs) {
    const Verdict* const said = verdicts.find(msg.msg.id);
    if (said == nullptr && partial) {
      rest.push_back(msg);
    } else if (said == nullptr) {
      miss(*batch, msg, {}, now);
    } else if (said->failed != nullptr) {
      miss(*batch, msg,
           {MissReason::failed, kept_error(said->failed->error), said->failed->retry_in,
            said->failed->final},
           now);
    } else if (said->missed) {
      miss(*batch, msg, {*said->missed}, now);
    } else {
      report_msg(batch, msg, said->result, now);
    }
  }
  if (rest.empty()) {
    end_batch(lease);
  } else {
    keep_rest(lease, std::move(rest), now);
  }
  return counts.reported - reported_before;
}

void Dispatcher::State::keep_rest(Lease& lease, std::vector<QueuedMsg>&& rest, Instant now) {
  if (rest.size() != lease.batch->msgs.size()) {
    auto left = std::make_shared<Batch>();
    left->id = lease.batch->id;
    left->client = lease.batch->client;
    left->granted_at = lease.batch->granted_at;
    left->client_name = lease.batch->client_name;
    left->msgs = std::move(rest);
    coming += lease.room;
    const Room room_of_left = room_of(*left, limits);
    leases.replace(lease, std::move(left), room_of_left);
    effects.writes.emplace_back(PutBatch{lease.batch, true});
  }
  // A client that is connected has shown that it works: its lease begins again. A grace does not.
  if (lease.state != Lease::State::running) return;
  leases.end_at(lease.batch->id, now + limits.timing.lease);
}

// Of a batch whose msgs are all settled. `lease` is gone afterwards.
void Dispatcher::State::end_batch(const Lease& lease) {
  const Xid id = lease.batch->id;
  effects.writes.emplace_back(DropBatch{id});
  if (lease.state == Lease::State::running) free_client(lease.batch->client);
  // What was kept is being used, until the next commit says how much there is.
  coming += lease.room;
  leases.erase(id);
}

// Of a client whose batch is settled.
void Dispatcher::State::free_client(const Xid& client) {
  const ClientState* known = clients.find(client);
  if (known == nullptr || known->batches_left != 0) return make_free(client);
  end_well(client, "all batches are settled");
}

// Of a client that has had all it wanted.
void Dispatcher::State::end_well(const Xid& client, const std::string& reason) {
  leave(client);
  effects.sends.emplace_back(CloseStream{client, reason, true});
}

void Dispatcher::State::report_msg(const std::shared_ptr<const Batch>& batch, const QueuedMsg& msg,
                                   const Result* result, Instant now) {
  holding.erase(msg.msg.id);
  ++counts.reported;
  const Instant reported_at = date(now);
  SharedText came_out;
  if (result != nullptr) {
    coming += room_of_record(record_bytes(msg) + result->json.size());
    came_out = result->json;
  }
  effects.writes.emplace_back(std::in_place_type<PutReport>, batch, msg, reported_at, came_out);
  reports_kept.added(reported_at);
}

void Dispatcher::State::miss(const Batch& batch, QueuedMsg msg, Missed&& missed, Instant now) {
  holding.erase(msg.msg.id);
  count_miss(missed.reason);
  ++msg.attempts;
  msg.misses.push_back(Miss{batch.id, batch.client, batch.granted_at, date(now), missed.reason,
                            std::move(missed.error), batch.client_name});
  if (msg.misses.size() > kLongestStory) msg.misses.erase(msg.misses.begin());
  if (missed.final || msg.attempts_left(limits.max_resends) <= 0) {
    ++counts.failed;
    fails_kept.added(date(now));
    effects.writes.emplace_back(PutFail{FailRecord{std::move(msg.msg), msg.accepted_at, date(now),
                                                   std::move(msg.misses), msg.attempts}});
    return;
  }
  const Duration wait = missed.reason != MissReason::failed
                            ? Duration::zero()
                            : missed.retry_in.value_or(backoff(limits, msg));
  if (wait > Duration::zero()) return put_later(std::move(msg), now + clock_ahead + wait);
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
