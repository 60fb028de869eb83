#include "sim/oracle.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "core/dice.hpp"
#include "wire/json.hpp"

namespace pena::sim {
namespace {

using core::Xid;

constexpr std::array<std::uint8_t, 3> kServer{1, 2, 3};  // the machine's bytes in its ids

}  // namespace

// ---- what is durable

void Oracle::durable(store::Ticket ticket, const store::ChangeSet& changes) {
  for (; !notices_.empty() && notices_.front().first <= ticket; notices_.pop_front()) {
    notices_.front().second();
  }
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
    // Whoever hands it in has it drawn when he comes, and others may be written before it.
    is_new(id, made_by_others_);
    last_made_msg_ = std::max(id, last_made_msg_.value_or(id));
  }
  return at->second;
}

// Within a change set they may come in any order.
void Oracle::is_new(const Xid& id, const Xid& before) {
  law(id > before, "ids_ascend",
      id.text() + " is new, and not behind " + before.text() + ", which is older");
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
  is_new(batch.id, made_before_);
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
  for (auto& [id, other] : clients_) {
    if (!other.free_since || other.batches_left == 0 || leaving_.contains(id)) continue;
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
      return law(said_.failed(id), "report_settles", "nobody said that " + id.text() + " failed");
    case core::MissReason::refused:
      return law(said_.refused(id), "report_settles", "nobody refused " + id.text());
    case core::MissReason::omitted:
      break;
    default:
      // Its client is gone, though it was not told: a crash may keep a round and lose what it sends.
      if (const auto gone = clients_.find(misses.back().client); gone != clients_.end()) {
        gone->second.free_since.reset();
      }
      return;
  }
  if (said_.settled_by_name(batch)) return;
  law(said_.settled_by_list(granted_.at(batch)), "report_settles",
      "batch " + batch.text() + " is settled whole, but no report said so");
  at_work_.give_away(id);
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
  const Xid client = batches_.at(drop.id).client;
  batch_of_client_.erase(client);
  if (const auto known = clients_.find(client); known != clients_.end()) {
    known->second.free_since = round_;
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
  law(at_work_.was_done(put.record.id) && said_.done(put.record.id), "honest_report",
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
  if (put.key != store::kGenerated) return;
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

void Oracle::accepted(const std::vector<Xid>& ids, const std::string& body) const {
  std::string expected = R"({"ids":[)";
  for (const Xid& id : ids) {
    law(msgs_.contains(id), "commit_before_answer",
        "201 for " + id.text() + ", which the disk does not have");
    expected += (id == ids.front() ? "\"" : ",\"") + id.text() + '"';
  }
  law(body == expected + "]}", "answers_name_ids",
      "201 says " + body + " for " + std::to_string(ids.size()) + " msgs");
}

void Oracle::joined(store::Ticket round, const Xid& client, std::optional<std::uint64_t> batches) {
  // As the batches that are settled in this round, for the order among those is not known.
  notices_.emplace_back(round, [this, client, batches] {
    clients_[client] = Client{batches, round_ + 1, {}};
  });
}

void Oracle::left(store::Ticket round, const Xid& client) {
  leaving_.insert(client);
  notices_.emplace_back(round, [this, client] {
    clients_.erase(client);
    leaving_.erase(client);
  });
}

void Oracle::said_last(store::Ticket round, const Xid& client) {
  notices_.emplace_back(round, [this, client] {
    const auto known = clients_.find(client);
    if (known != clients_.end()) known->second.batches_left = 0;
  });
}

std::uint64_t Oracle::report_arrives(const core::Reported& report) {
  said_.note(report);
  const std::set<Xid> ids = named_by(report);
  return static_cast<std::uint64_t>(std::ranges::count_if(ids, [this](const Xid& id) {
    const auto at = msgs_.find(id);
    return at != msgs_.end() && at->second.reported;
  }));
}

void Oracle::report_answered(const core::Reported& report, const std::string& body,
                             std::uint64_t before) const {
  const auto answer = wire::parse_report_answer(body).value_or(wire::ReportAnswer{});
  const std::set<Xid> named = named_by(report);
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
  const std::uint64_t said = answer.reported + answer.duplicate;
  law(said <= in_report, "commit_before_answer",
      "a report of " + std::to_string(named.size()) + " is answered with " +
          std::to_string(answer.reported) + " reported and " + std::to_string(answer.duplicate) +
          " duplicate, but the disk has " + std::to_string(in_report));
  law(said >= before, "known_for_good",
      "of a report's ids " + std::to_string(before) + " were reported before, and " +
          std::to_string(said) + " are known to be");
  law(said + answer.unknown <= named.size(), "commit_before_answer",
      "a report is answered with more ids than it named");
}

void Oracle::answer_leaves(Answer kind, core::RequestId request) {
  core::RequestId& last = answered_[kind];
  law(request > last, "answers_in_order",
      "request " + std::to_string(request) + " is answered behind " + std::to_string(last));
  last = request;
}

void Oracle::round_done(const core::InMemory& in_memory, std::size_t read,
                        std::size_t in_vain) const {
  law(in_memory.msgs <= window_ + window_ / 4, "memory_bound",
      std::to_string(in_memory.msgs) + " queued msgs are in memory, with a window of " +
          std::to_string(window_));
  // And one, to see whether there are more.
  law(read <= window_ + in_vain + 1, "memory_bound",
      std::to_string(read) + " msgs are read from the queue in one round, with a window of " +
          std::to_string(window_));
}

void Oracle::started_with(const store::View& view) {
  clients_.clear();
  notices_.clear();
  leaving_.clear();
  answered_.clear();
  made_by_others_ = last_made_;
  check_store(view);
}

void Oracle::check_store(const store::View& view) const {
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

// ---- the end

std::size_t Oracle::queued() const {
  std::size_t held = 0;
  for (const auto& [id, batch] : batches_) held += batch.msgs.size();
  return msgs_.size() - reported_ - failed_ - held;
}

void Oracle::all_ended(const store::View& view, std::uint64_t generated, std::uint64_t least,
                       std::uint64_t most) const {
  check_store(view);
  const store::BucketCounts counts = view.counts();
  law(counts.queue == 0 && counts.batch == 0, "everything_ends",
      std::to_string(counts.queue) + " msgs still wait and " + std::to_string(counts.batch) +
          " are held");
  law(generated_ == generated, "generated",
      std::to_string(generated_) + " msgs were generated of " + std::to_string(generated));
  law(msgs_.size() >= generated + least && msgs_.size() <= generated + most, "generated",
      "there were " + std::to_string(msgs_.size()) + " msgs, of " + std::to_string(generated) +
          " generated and " + std::to_string(least) + " to " + std::to_string(most) + " submitted");
}

}  // namespace pena::sim
