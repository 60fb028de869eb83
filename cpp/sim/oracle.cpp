#include "sim/oracle.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/dice.hpp"
#include "wire/json.hpp"

namespace pena::sim {
namespace {

using core::Xid;

constexpr std::array<std::uint8_t, 3> kServer{1, 2, 3};  // the machine's bytes in its ids

// Of the array that begins with `from`.
std::vector<Xid> ids_in(const std::string& body, std::string_view from) {
  std::vector<Xid> ids;
  for (std::size_t at = body.find(from) + from.size(); at < body.size() && body[at] == '"';) {
    const auto id = Xid::parse(body.substr(at + 1, Xid::kTextLength));
    law(id.has_value(), "answers_name_ids", "an answer says " + body);
    ids.push_back(*id);
    at += Xid::kTextLength + 2;
    if (at < body.size() && body[at] == ',') ++at;
  }
  return ids;
}

}  // namespace

// ---- what is durable

void Oracle::durable(store::Ticket ticket, const store::ChangeSet& changes) {
  for (; !notices_.empty() && notices_.front().first <= ticket; notices_.pop_front()) {
    notices_.front().second();
  }
  touched_.clear();
  ++round_;
  if (const auto closed = dates_.extract(ticket)) date_ = closed.mapped();
  made_before_ = last_made_;
  for (const core::Write& write : changes) {
    std::visit([this](const auto& what) { apply(what); }, write);
  }
  for (const Xid& id : touched_) {
    Place& place = msgs_.at(id);
    if (place.places() == 0) forgotten(id, place);
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

// What it says does not change, wherever it goes.
Oracle::Place& Oracle::touch(const core::Msg& msg) {
  Place& place = touch(msg.id);
  if (std::exchange(place.forgotten, false)) {
    // Whoever brings it again brings a new one, which may say something else.
    place.msg = msg;
    place.accepted_in = round_;
    place.left = store::Bucket::queue;
    --forgotten_;
    place.grants = place.earlier = 0;
    place.not_before.reset();
    place.retried = false;
  }
  if (place.places() == 0 && place.grants == 0 && place.msg.id == Xid{}) {
    place.msg = msg;
    place.accepted_in = round_;
  }
  law(place.msg == msg, "payloads",
      msg.id.text() + " says something else than it was accepted with");
  return place;
}

void Oracle::apply(const core::PutQueue& put) {
  Place& place = touch(put.msg.msg);
  law(!place.queued, "conservation", put.msg.msg.id.text() + " is put into a queue twice");
  check_waiting(place, put.msg);
  // A failure waits, unless its client says how long.
  const bool came_back = !place.retried && !place.later && !place.not_before &&
                         !put.msg.misses.empty() &&
                         put.msg.misses.back().reason == core::MissReason::failed;
  law(!came_back || retry_first_ == core::Duration::zero() || said_.retry_in(put.msg.msg.id),
      "backoff", put.msg.msg.id.text() + " failed, and waits for a client at once");
  place.queued = true;
  place.accepted_at = put.msg.accepted_at;
  // What is due is waiting all the time.
  if (place.left != store::Bucket::later) ++place.moves;
}

void Oracle::check_waiting(const Place& place, const core::QueuedMsg& msg) {
  const Xid& id = msg.msg.id;
  law(!place.reported, "reported_for_good", id.text() + " waits after its report");
  law(msg.msg.queue < core::kFirstNamedQueue || names_.contains(msg.msg.queue), "own_queue",
      id.text() + " waits in a queue without a name");
  check_last_miss(id, msg.misses);
  law(msg.attempts == place.grants, "attempts",
      id.text() + " has " + std::to_string(msg.attempts) + " attempts behind it of " +
          std::to_string(place.grants));
  check_misses(id, msg.misses, place.grants + place.earlier);
  digest(std::hash<Xid>{}(id));
}

void Oracle::apply(const core::DropQueue& drop) {
  Place& place = touch(drop.id);
  law(place.queued && place.msg.queue == drop.queue, "conservation",
      drop.id.text() + " leaves a queue without being in it");
  place.queued = false;
  place.left = store::Bucket::queue;
}

void Oracle::apply(const core::PutLater& put) {
  Place& place = touch(put.msg.msg);
  law(!place.later, "conservation", put.msg.msg.id.text() + " is put off twice");
  check_waiting(place, put.msg);
  place.later = true;
  place.accepted_at = put.msg.accepted_at;
  ++place.moves;
  place.not_before = put.msg.queued_at;
}

void Oracle::apply(const core::DropLater& drop) {
  Place& place = touch(drop.id);
  law(place.later && place.not_before == drop.due_at, "conservation",
      drop.id.text() + " is due without having been put off until then");
  place.later = false;
  place.left = store::Bucket::later;
}

void Oracle::apply(const core::PutKey& put) {
  law(keys_.try_emplace({put.queue, put.key}, put.id).second, "keys",
      "the key " + put.key + " is given to two msgs");
}

void Oracle::apply(const core::PutQueueName& put) {
  const std::string& name = names_.try_emplace(put.queue, put.name).first->second;
  law(name == put.name, "own_queue", "a queue has the names " + name + " and " + put.name);
  if (put.paused) {
    paused_.insert(put.queue);
  } else {
    paused_.erase(put.queue);
  }
  for (auto& [id, client] : clients_) {
    if (client.names.contains(put.name)) client.queues.insert(put.queue);
  }
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
    Place& place = touch(msg.msg);
    law(!place.batch, "one_holder", msg.msg.id.text() + " is held by two batches");
    law(!place.reported, "reported_for_good", msg.msg.id.text() + " is held after its report");
    place.batch = batch.id;
    ++place.moves;
  }
  held_[batch.client].push_back({round_, batch.id, batch.msgs.size()});
  batches_[batch.id] = batch;
  batch_of_client_[batch.client] = batch.id;
  digest(std::hash<Xid>{}(batch.id));
}

void Oracle::granted(const core::Batch& batch) {
  is_new(batch.id, made_before_);
  law(!batch_of_client_.contains(batch.client), "one_batch_a_client",
      "client " + batch.client.text() + " is given " + batch.id.text() + " while it holds another");
  leaves_.granted(batch);
  check_turn(batch);
  for (const core::QueuedMsg& msg : batch.msgs) {
    granted_[batch.id].push_back(msg.msg.id);
    Place& place = touch(msg.msg);
    const int grants = ++place.grants;
    law(grants <= most_attempts(place) && msg.attempt() == grants, "attempts",
        msg.msg.id.text() + " is granted " + std::to_string(grants) +
            " times, and says that it was " + std::to_string(msg.attempt()) + " times");
    law(!is_paused(msg.msg.queue), "paused",
        msg.msg.id.text() + " is granted, and its queue is paused");
    law(!place.not_before || batch.granted_at >= *place.not_before, "not_before",
        msg.msg.id.text() + " is granted before it is due");
    place.not_before.reset();
    place.retried = false;
    check_misses(msg.msg.id, msg.misses, grants - 1 + place.earlier);
    check_last_miss(msg.msg.id, msg.misses);
  }
  check_pieces(batch);
}

void Oracle::check_misses(const Xid& id, const std::vector<core::Miss>& misses, int grants) const {
  law(misses.size() == std::min<std::size_t>(static_cast<std::size_t>(grants), core::kLongestStory),
      "attempts",
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
      leaves_.missed(id, misses.back());
      // Its client gets nothing more, whether it is told or not.
      if (const auto gone = clients_.find(misses.back().client); gone != clients_.end()) {
        gone->second.batches_left = 0;
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
  held_[client].push_back({round_, {}, 0});
  if (const auto known = clients_.find(client); known != clients_.end()) {
    known->second.free_since = round_;
  }
  batches_.erase(drop.id);
}

void Oracle::apply(const core::PutReport& put) {
  const core::ReportFields report = put.fields();
  Place& place = touch(report.id);
  law(!place.reported, "reported_once", report.id.text() + " is reported twice");
  law(batches_.contains(report.batch), "fence",
      report.id.text() + " is reported by a batch that is over");
  law(granted_.at(report.batch).end() != std::ranges::find(granted_.at(report.batch), report.id),
      "fence", report.id.text() + " is reported by a batch that never held it");
  law(at_work_.was_done(report.id) && said_.done(report.id), "honest_report",
      report.id.text() + " ends in report, but nobody did it and said so");
  check_misses(report.id, report.misses, place.grants - 1 + place.earlier);
  place.reported = place.was_reported = true;
  place.ended_at = report.reported_at;
  place.ended_in = round_;
  ++place.moves;
  place.settled = ++settled_;
  report_order_[place.settled] = report.id;
  ++reported_;
  digest(~std::hash<Xid>{}(report.id));
}

void Oracle::apply(const core::PutFail& put) {
  Place& place = touch(put.record.msg.id);
  law(!place.failed && !place.reported, "conservation", put.record.msg.id.text() + " ends twice");
  law(place.grants == most_attempts(place) || said_.final(put.record.msg.id), "attempts",
      put.record.msg.id.text() + " fails after " + std::to_string(place.grants) + " of " +
          std::to_string(most_attempts(place)) + " attempts");
  check_misses(put.record.msg.id, put.record.misses, place.grants + place.earlier);
  check_last_miss(put.record.msg.id, put.record.misses);
  place.failed = true;
  place.settled = ++settled_;
  place.ended_at = put.record.failed_at;
  place.ended_in = round_;
  ++place.moves;
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
  const std::vector<Xid> said = ids_in(body, R"({"ids":[)");
  law(said.size() == ids.size(), "answers_name_ids",
      "201 says " + body + " for " + std::to_string(ids.size()) + " msgs");
  for (std::size_t i = 0; i < ids.size(); ++i) {
    law(msgs_.contains(said[i]), "commit_before_answer",
        "201 for " + said[i].text() + ", which the disk does not have");
    // Only a key leads to another msg than the one that was asked for.
    const bool has_key = !msgs_.at(said[i]).msg.key.empty();
    law(said[i] == ids[i] || has_key, "answers_name_ids",
        "201 says " + said[i].text() + " for " + ids[i].text());
  }
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
                             std::uint64_t before) {
  const auto answer = wire::parse_report_answer(body).value_or(wire::ReportAnswer{});
  last_word_answered(report, answer);
  const std::set<Xid> named = named_by(report);
  std::uint64_t in_report = 0;
  bool any_forgotten = false;
  for (const Xid& id : named) {
    const auto at = msgs_.find(id);
    if (at == msgs_.end()) continue;
    // Whoever reads behind the disk takes one for reported that was forgotten, and came again.
    if (at->second.was_reported) ++in_report;
    any_forgotten = any_forgotten || (at->second.was_reported && !at->second.reported);
    law(!report.batch || at->second.batch != report.batch, "report_settles",
        "batch " + report.batch.value_or(Xid{}).text() + " still holds " + id.text() +
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
  law(said >= before || any_forgotten, "known_for_good",
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
  connected_.clear();
  closed_.clear();
  asked_.clear();
  wishes_.clear();
  dates_.clear();
  notices_.clear();
  leaving_.clear();
  dies_ = false;
  leaves_ = {};
  answered_.clear();
  made_by_others_ = last_made_;
  // What was due stays so, though the clock may have been set back since.
  for (auto& [id, place] : msgs_) {
    if (!place.later) place.not_before.reset();
  }
  check_store(view);
}

// ---- the end

std::size_t Oracle::queued() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(msgs_, [](const auto& msg) { return msg.second.queued; }));
}

std::size_t Oracle::waiting() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      msgs_, [](const auto& msg) { return msg.second.queued || msg.second.later; }));
}

void Oracle::all_ended(const store::View& view, std::uint64_t generated, std::uint64_t least,
                       std::uint64_t most) const {
  check_store(view);
  const store::BucketCounts counts = view.counts();
  law(counts.queue == 0 && counts.later == 0 && counts.batch == 0, "everything_ends",
      std::to_string(counts.queue + counts.later) + " msgs still wait and " +
          std::to_string(counts.batch) + " are held");
  law(generated_ == generated, "generated",
      std::to_string(generated_) + " msgs were generated of " + std::to_string(generated));
  // Whose key is forgotten may come again as another one.
  law(msgs_.size() >= generated + least && msgs_.size() <= generated + most + ever_forgotten_,
      "generated",
      "there were " + std::to_string(msgs_.size()) + " msgs, of " + std::to_string(generated) +
          " generated and " + std::to_string(least) + " to " + std::to_string(most) + " submitted");
}

}  // namespace pena::sim
