#include "sim/oracle.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "core/dice.hpp"

namespace pena::sim {
namespace {

using core::Xid;

constexpr std::array<std::uint8_t, 3> kServer{1, 2, 3};  // the machine's bytes in its ids

void law(bool holds, const char* name, const std::string& what) {
  if (!holds) throw LawBroken(name, what);
}

}  // namespace

// ---- what is durable

void Oracle::durable(const store::ChangeSet& changes) {
  touched_.clear();
  ++round_;
  made_before_ = last_made_;
  for (const core::Write& write : changes) {
    std::visit([this](const auto& what) { apply(what); }, write);
  }
  for (const Xid& id : touched_) {
    const Place& place = msgs_.at(id);
    law(place.places() == 1, "conservation",
        id.text() + " is in " + std::to_string(place.places()) + " places");
  }
}

Oracle::Place& Oracle::touch(const Xid& id) {
  touched_.insert(id);
  const auto [at, new_here] = msgs_.try_emplace(id);
  if (new_here && id.machine() == kServer) {
    is_new(id);
    last_made_msg_ = std::max(id, last_made_msg_.value_or(id));
  }
  return at->second;
}

// Within a change set they may come in any order.
void Oracle::is_new(const Xid& id) {
  law(id > made_before_, "ids_ascend",
      id.text() + " is new, and not behind " + made_before_.text() + ", which is older");
  last_made_ = std::max(last_made_, id);
}

void Oracle::digest(std::uint64_t what) {
  digest_ = core::mix(digest_ ^ what);
}

void Oracle::apply(const core::PutQueue& put) {
  Place& place = touch(put.msg.msg.id);
  law(!place.queued, "conservation", put.msg.msg.id.text() + " is put into the queue twice");
  law(!place.reported, "reported_for_good", put.msg.msg.id.text() + " waits after its report");
  place.queued = true;
  check_last_miss(put.msg.msg.id, put.msg.misses);
  check_misses(put.msg.msg.id, put.msg.misses, place.grants);
  digest(std::hash<Xid>{}(put.msg.msg.id));
}

void Oracle::apply(const core::DropQueue& drop) {
  Place& place = touch(drop.id);
  law(place.queued, "conservation", drop.id.text() + " leaves the queue without being in it");
  place.queued = false;
}

void Oracle::apply(const core::PutBatch& put) {
  const core::Batch& batch = *put.batch;
  law(!batch.msgs.empty(), "conservation", "an empty batch " + batch.id.text());
  if (batches_.contains(batch.id)) {
    forget_batch(batch.id);
  } else {
    granted(batch);
  }
  for (const core::QueuedMsg& msg : batch.msgs) {
    Place& place = touch(msg.msg.id);
    law(!place.batch, "one_holder", msg.msg.id.text() + " is held by two batches");
    law(!place.reported, "reported_for_good", msg.msg.id.text() + " is held after its report");
    place.batch = batch.id;
  }
  batches_[batch.id] = batch;
  batch_of_client_[batch.client] = batch.id;
  digest(std::hash<Xid>{}(batch.id));
}

void Oracle::granted(const core::Batch& batch) {
  is_new(batch.id);
  law(!batch_of_client_.contains(batch.client), "one_batch_a_client",
      "client " + batch.client.text() + " is given " + batch.id.text() + " while it holds another");
  check_turn(batch);
  for (const core::QueuedMsg& msg : batch.msgs) {
    granted_[batch.id].push_back(msg.msg.id);
    const int grants = ++touch(msg.msg.id).grants;
    law(grants <= max_attempts_, "attempts",
        msg.msg.id.text() + " is granted " + std::to_string(grants) + " times");
    check_misses(msg.msg.id, msg.misses, grants - 1);
    check_last_miss(msg.msg.id, msg.misses);
  }
  check_pieces(batch);
}

// Msgs of one lost batch travel together in one of its pieces only, a piece is no larger than the
// attempts that are left allow, and at its last attempt a suspect meets no other.
void Oracle::check_pieces(const core::Batch& batch) const {
  using Piece = std::pair<Xid, std::size_t>;  // the last batch that was lost, and how many losses
  std::map<Xid, Piece> piece_of;              // by lost batch
  std::map<Piece, std::size_t> sizes;
  for (const core::QueuedMsg& msg : batch.msgs) {
    const auto loss = std::ranges::find_if(msg.misses.rbegin(), msg.misses.rend(),
                                           [](const auto& miss) { return miss.lost_whole(); });
    if (loss == msg.misses.rend()) continue;
    const Piece piece{loss->batch, msg.misses.size()};
    for (const core::Miss& miss : msg.misses) {
      if (!miss.lost_whole()) continue;
      law(piece_of.try_emplace(miss.batch, piece).first->second == piece, "suspects_apart",
          "two pieces of the lost batch " + miss.batch.text() + " travel together");
    }
    ++sizes[piece];
  }
  for (const auto& [piece, size] : sizes) {
    const std::size_t lost = granted_.at(piece.first).size();
    const std::size_t left = static_cast<std::size_t>(max_attempts_) - piece.second;
    law(left > 1 || (size == 1 && sizes.size() == 1), "suspects_apart",
        "one of the lost batch " + piece.first.text() +
            " has other suspects for company at its last attempt");
    law(std::pow(static_cast<double>(size - 1), left) <
            std::pow(static_cast<double>(lost), left - 1) + 0.5,
        "suspects_apart",
        std::to_string(size) + " of " + std::to_string(lost) + " of the lost batch " +
            piece.first.text() + " travel together, with " + std::to_string(left) +
            " attempts left");
    law((size - 1) * fewest_pieces_ < lost, "suspects_apart",
        std::to_string(size) + " of " + std::to_string(lost) + " of the lost batch " +
            piece.first.text() + " travel together, of which there are to be " +
            std::to_string(fewest_pieces_) + " pieces");
  }
}

// Who has been free longest is served next. Another may be served before it while a rate fills its
// batch, but not for longer than the linger. What became free in one round came in no order that is
// known here.
void Oracle::check_turn(const core::Batch& batch) {
  const auto served = clients_.find(batch.client);
  if (served == clients_.end()) return;
  Client& client = served->second;
  law(client.batches_left != 0, "no_more",
      "client " + batch.client.text() + " is given a batch that it did not ask for");
  if (client.batches_left) --*client.batches_left;
  const std::uint64_t since = client.free_since.value_or(round_);
  client.free_since.reset();
  client.passed_at.reset();
  Client* first = nullptr;
  bool alone = true;
  for (auto& [session, other] : clients_) {
    if (!other.free_since || other.batches_left == 0) continue;
    if (first == nullptr || *other.free_since < *first->free_since) {
      first = &other;
      alone = true;
    } else if (*other.free_since == *first->free_since) {
      alone = false;
    }
  }
  if (first == nullptr || !alone || *first->free_since >= since) return;
  if (!first->passed_at) first->passed_at = batch.granted_at;
  law(batch.granted_at <= *first->passed_at + linger_, "in_turn",
      "client " + batch.client.text() + " is served before one that has been free for longer");
}

void Oracle::check_misses(const Xid& id, const std::vector<core::Miss>& misses, int grants) const {
  law(static_cast<int>(misses.size()) == grants, "attempts",
      id.text() + " was granted " + std::to_string(grants) +
          " times before, and says that it was " + std::to_string(misses.size()) + " times");
  for (const core::Miss& miss : misses) {
    law(miss.error.size() <= error_bytes_, "limits",
        id.text() + " keeps an error of " + std::to_string(miss.error.size()) + " bytes");
  }
}

// What a report is said to have missed, it did.
void Oracle::check_last_miss(const Xid& id, const std::vector<core::Miss>& misses) {
  if (misses.empty()) return;
  const Xid& batch = misses.back().batch;
  switch (misses.back().reason) {
    case core::MissReason::failed:
      return law(said_failed_.contains(id), "report_settles",
                 "nobody said that " + id.text() + " failed");
    case core::MissReason::refused:
      return law(said_refused_.contains(id), "report_settles", "nobody refused " + id.text());
    case core::MissReason::omitted:
      break;
    default:
      return;
  }
  law(settled_whole_.contains(batch) || is_settled_by_list(batch), "report_settles",
      "batch " + batch.text() + " is settled whole, but no report said so");
  if (settled_whole_.contains(batch)) return;
  given_away_.insert(id);
  for (Working& one : working_[id]) one.exempt = true;
}

// Somebody named msgs of that batch, and nothing else.
bool Oracle::is_settled_by_list(const Xid& batch) const {
  const std::set<Xid> held(granted_.at(batch).begin(), granted_.at(batch).end());
  return std::ranges::any_of(held, [&](const Xid& first) {
    const auto lists = lists_.find(first);
    return lists != lists_.end() &&
           std::ranges::any_of(lists->second, [&](const std::vector<Xid>& named) {
             return std::ranges::includes(held, named);
           });
  });
}

void Oracle::forget_batch(const Xid& id) {
  for (const core::QueuedMsg& msg : batches_.at(id).msgs) {
    Place& place = touch(msg.msg.id);
    if (place.batch == id) place.batch.reset();
  }
}

void Oracle::apply(const core::DropBatch& drop) {
  law(batches_.contains(drop.id), "conservation", "no batch " + drop.id.text() + " to be dropped");
  forget_batch(drop.id);
  const Xid session = batches_.at(drop.id).client;
  batch_of_client_.erase(session);
  if (const auto client = clients_.find(session); client != clients_.end()) {
    client->second.free_since = round_;
  }
  batches_.erase(drop.id);
}

void Oracle::apply(const core::PutReport& put) {
  Place& place = touch(put.record.id);
  law(!place.reported, "reported_once", put.record.id.text() + " is reported twice");
  law(batches_.contains(put.record.batch), "fence",
      put.record.id.text() + " is reported by a batch that is over");
  law(granted_.at(put.record.batch).end() !=
          std::ranges::find(granted_.at(put.record.batch), put.record.id),
      "fence", put.record.id.text() + " is reported by a batch that never held it");
  law(finished_.contains(put.record.id) && said_done_.contains(put.record.id), "honest_report",
      put.record.id.text() + " ends in report, but nobody did it and said so");
  check_misses(put.record.id, put.record.misses, place.grants - 1);
  place.reported = true;
  ++reported_;
  digest(~std::hash<Xid>{}(put.record.id));
}

void Oracle::apply(const core::PutFail& put) {
  Place& place = touch(put.record.msg.id);
  law(!place.failed && !place.reported, "conservation", put.record.msg.id.text() + " ends twice");
  law(place.grants == max_attempts_, "attempts",
      put.record.msg.id.text() + " fails after " + std::to_string(place.grants) + " of " +
          std::to_string(max_attempts_) + " attempts");
  check_misses(put.record.msg.id, put.record.misses, place.grants);
  check_last_miss(put.record.msg.id, put.record.misses);
  place.failed = true;
  ++failed_;
  digest(std::hash<Xid>{}(put.record.msg.id) + 1);
}

void Oracle::apply(const core::PutMeta& put) {
  if (put.key != "generated") return;
  law(put.value >= generated_, "generated", "the count of generated msgs goes back");
  generated_ = put.value;
}

// ---- what leaves the server

void Oracle::batch_leaves(const core::Batch& batch) {
  const auto at = batches_.find(batch.id);
  law(at != batches_.end(), "commit_before_send",
      "batch " + batch.id.text() + " leaves, but the disk does not have it");
  for (const core::QueuedMsg& msg : batch.msgs) {
    const Place& place = msgs_.at(msg.msg.id);
    law(!place.reported, "reported_for_good", msg.msg.id.text() + " is sent after its report");
    law(place.batch == batch.id, "commit_before_send",
        msg.msg.id.text() + " leaves in batch " + batch.id.text() + ", which does not hold it");
  }
}

void Oracle::accepted(const std::vector<Xid>& ids) {
  for (const Xid& id : ids) {
    law(msgs_.contains(id), "commit_before_answer",
        "201 for " + id.text() + ", which the disk does not have");
  }
}

void Oracle::joined(const Xid& session, std::optional<std::uint64_t> batches) {
  // As the batches that are settled in this round, for the order among those is not known.
  clients_[session] = Client{batches, round_ + 1, {}};
}

void Oracle::said_last(const Xid& session) {
  const auto client = clients_.find(session);
  if (client != clients_.end()) client->second.batches_left = 0;
}

void Oracle::report_arrives(const core::Reported& report) {
  said_done_.insert(report.ids.begin(), report.ids.end());
  said_refused_.insert(report.refused.begin(), report.refused.end());
  for (const core::FailedId& failed : report.failed) said_failed_.insert(failed.id);
  if (report.partial) return;
  if (report.batch) {
    settled_whole_.insert(*report.batch);
    return;
  }
  std::vector<Xid> named = report.ids;
  named.insert(named.end(), report.refused.begin(), report.refused.end());
  for (const core::FailedId& failed : report.failed) named.push_back(failed.id);
  std::ranges::sort(named);
  if (!named.empty()) lists_[named.front()].push_back(named);
}

void Oracle::report_answered(const core::Reported& report, std::uint64_t reported,
                             std::uint64_t duplicate, std::uint64_t unknown) const {
  std::set<Xid> named(report.ids.begin(), report.ids.end());
  for (const core::FailedId& failed : report.failed) named.insert(failed.id);
  named.insert(report.refused.begin(), report.refused.end());
  std::uint64_t in_report = 0;
  for (const Xid& id : named) {
    const auto at = msgs_.find(id);
    if (at == msgs_.end()) continue;
    if (at->second.reported) ++in_report;
    law(!report.batch || at->second.batch != report.batch, "report_settles",
        "batch " + report.batch->text() + " still holds " + id.text() +
            ", of which its report told");
  }
  law(!report.batch || report.partial || !batches_.contains(*report.batch), "report_settles",
      "a report of batch " + report.batch.value_or(Xid{}).text() +
          " is answered, and the batch is still held");
  law(reported + duplicate <= in_report, "commit_before_answer",
      "a report of " + std::to_string(named.size()) + " is answered with " +
          std::to_string(reported) + " reported and " + std::to_string(duplicate) +
          " duplicate, but the disk has " + std::to_string(in_report));
  law(reported + duplicate + unknown <= named.size(), "commit_before_answer",
      "a report is answered with more ids than it named");
}

void Oracle::round_done(const core::InMemory& in_memory, std::size_t read) const {
  law(in_memory.msgs <= window_ + window_ / 4, "memory_bound",
      std::to_string(in_memory.msgs) + " queued msgs are in memory, with a window of " +
          std::to_string(window_));
  law(read <= window_, "memory_bound",
      std::to_string(read) + " msgs are read from the queue in one round, with a window of " +
          std::to_string(window_));
}

void Oracle::started_with(const store::BucketView& view) {
  clients_.clear();
  check_store(view);
}

void Oracle::check_store(const store::BucketView& view) const {
  std::map<Xid, int> seen;
  const auto expect = [&](const Xid& id, bool right, const char* bucket) {
    law(right, "conservation", std::string{"the store has "} + id.text() + " in " + bucket);
    ++seen[id];
  };
  for (const auto& msg : view.queue({}, SIZE_MAX).records) {
    const auto at = msgs_.find(msg.msg.id);
    expect(msg.msg.id, at != msgs_.end() && at->second.queued, "queue");
  }
  for (const auto& batch : view.batches()) {
    for (const auto& msg : batch.msgs) {
      const auto at = msgs_.find(msg.msg.id);
      expect(msg.msg.id, at != msgs_.end() && at->second.batch == batch.id, "batch");
    }
  }
  for (const auto& record : view.reports({}, SIZE_MAX).records) {
    const auto at = msgs_.find(record.id);
    expect(record.id, at != msgs_.end() && at->second.reported, "report");
  }
  for (const auto& record : view.fails({}, SIZE_MAX).records) {
    const auto at = msgs_.find(record.msg.id);
    expect(record.msg.id, at != msgs_.end() && at->second.failed, "fail");
  }
  law(seen.size() == msgs_.size(), "conservation",
      "the store has " + std::to_string(seen.size()) + " msgs of " + std::to_string(msgs_.size()));
}

// ---- work

void Oracle::work_begins(TrueTime now, Process process, const Xid& id, bool exempt) {
  auto& at_work = working_[id];
  exempt = exempt || given_away_.contains(id);
  for (const Working& other : at_work) {
    if (exempt || other.exempt || other.process == process) continue;
    throw LawBroken("one_at_work", id.text() + " is worked on by the processes " +
                                       std::to_string(other.process) + " and " +
                                       std::to_string(process) + " at " +
                                       std::to_string(now.count()) + " us");
  }
  at_work.push_back({process, exempt});
}

void Oracle::work_done(Process process, const Xid& id) {
  work_stops(process, id);
  done_[process].insert(id);
  finished_.insert(id);
}

void Oracle::work_stops(Process process, const Xid& id) {
  const auto at = working_.find(id);
  if (at == working_.end()) return;
  std::erase_if(at->second, [&](const Working& one) { return one.process == process; });
  if (at->second.empty()) working_.erase(at);
}

void Oracle::froze(Process process) {
  for (auto& [id, at_work] : working_) {
    for (Working& one : at_work) {
      if (one.process == process) one.exempt = true;
    }
  }
}

void Oracle::claims(Process process, const std::vector<Xid>& ids) const {
  const auto done = done_.find(process);
  for (const Xid& id : ids) {
    law(done != done_.end() && done->second.contains(id), "honest_report",
        "process " + std::to_string(process) + " reports " + id.text() + ", which it did not do");
  }
}

// ---- the end

std::size_t Oracle::queued() const {
  std::size_t held = 0;
  for (const auto& [id, batch] : batches_) held += batch.msgs.size();
  return msgs_.size() - reported_ - failed_ - held;
}

void Oracle::all_ended(const store::BucketView& view, std::uint64_t generated,
                       std::uint64_t submitted) const {
  check_store(view);
  const store::BucketCounts counts = view.counts();
  law(counts.queue == 0 && counts.batch == 0, "everything_ends",
      std::to_string(counts.queue) + " msgs still wait and " + std::to_string(counts.batch) +
          " are held");
  law(generated_ == generated, "generated",
      std::to_string(generated_) + " msgs were generated of " + std::to_string(generated));
  law(msgs_.size() == generated + submitted, "generated",
      "there were " + std::to_string(msgs_.size()) + " msgs, of " + std::to_string(generated) +
          " generated and " + std::to_string(submitted) + " submitted");
}

}  // namespace pena::sim
