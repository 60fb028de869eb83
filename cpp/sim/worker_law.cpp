#include "sim/worker_law.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "sim/law.hpp"

namespace pena::sim {

using namespace std::chrono_literals;
using core::Xid;

namespace {

constexpr core::Duration kForAKeep = std::chrono::milliseconds{100};

bool is_not_now(unsigned status) {
  return status == 0 || status == 408 || status == 429 || status >= 500;
}

bool says_too_much(unsigned status) {
  return status == 400 || status == 413 || status == 422;
}

}  // namespace

void WorkerLaw::breaks(bool is_broken, const char* law, const std::string& what) const {
  if (is_broken) throw LawBroken(law, who_ + " " + what);
}

void WorkerLaw::hears(std::uint64_t stream, const core::StreamEvent& event, core::Instant now) {
  take_in();
  is_told_to_stop_ = false;
  if (!streams_.contains(stream)) return;
  std::visit([&](const auto& what) { heard(stream, what, now); }, event);
}

void WorkerLaw::hears(const core::WorkerEvent& event, core::Instant now) {
  is_told_to_stop_ = false;
  take_in();
  std::visit([&](const auto& what) { heard(what, now); }, event);
  look_for_rest(now);
}

void WorkerLaw::wants(const core::WorkerAction& action, core::Instant now) {
  std::visit([&](const auto& what) { want(what, now); }, action);
  look_for_rest(now);
}

// ---- streams and batches

void WorkerLaw::want(const core::OpenWorkerStream& open, core::Instant /*now*/) {
  take_in();
  breaks(stops_ > 0, "stops", "opens a stream on its way to the end");
  idle_since_.reset();
  streams_[open.stream] = {open.batchsize, {}, false};
  check_room("opens a stream for " + std::to_string(open.batchsize));
}

void WorkerLaw::check_room(const std::string& what) const {
  std::size_t asked = 0, taken = runs_.size();
  for (const auto& [number, stream] : streams_) {
    if (!stream.batch && !stream.ends) asked += stream.batchsize;
  }
  for (const auto& [id, batch] : batches_) {
    taken += batch.to_come;
  }
  breaks(asked + taken > rules_.slots, "asks_for_room",
         what + ", so it asks for " + std::to_string(asked) + " msgs in all, with " +
             std::to_string(taken) + " of " + std::to_string(rules_.slots) + " slots taken");
}

void WorkerLaw::heard(std::uint64_t stream, const core::NoteArrived& note, core::Instant now) {
  if (!note.batch) return;
  if (const auto before = std::exchange(streams_.at(stream).batch, note.batch)) lose(*before);
  Batch& batch = batches_[*note.batch];
  batch.stream = stream;
  batch.to_come = note.size;
  batch.taken_at = now;
  batch.kept_at = now;
}

void WorkerLaw::heard(std::uint64_t stream, const core::MsgArrived& msg, core::Instant now) {
  came_ = Came{stream, msg, now};
}

// Bytes that came late are nobody's where their stream is hung up for that.
void WorkerLaw::take_in() {
  if (!came_) return;
  const Came came = *std::exchange(came_, std::nullopt);
  const core::MsgArrived& msg = came.msg;
  const core::Instant now = came.at;
  // Of one that is settled, as far as it had come, more may come.
  const auto [at, is_over] = batches_.try_emplace(*msg.batch);
  Batch& batch = at->second;
  batch.lost = batch.lost || is_over;
  if (batch.to_come > 0) --batch.to_come;
  batch.open.insert(msg.id);
  batch.owes_since = now;
  brought_by_ = *msg.batch;
  for (auto& [id, other] : batches_) {
    if (id != *msg.batch) hand_over(msg.id, id, *msg.batch, now);
  }
  const bool is_outlived = std::ranges::any_of(runs_, [&](const auto& run) {
    return run.second.msg == msg.id && run.second.batch != *msg.batch;
  });
  if (is_outlived) outcomes_[{*msg.batch, msg.id}] = {core::RunFailed{}, true, false};
}

// What runs, or is done and not reported, goes on in the new batch.
void WorkerLaw::hand_over(const Xid& msg, const Xid& from, const Xid& to, core::Instant now) {
  bool runs = false;
  for (auto& [number, run] : runs_) {
    if (run.msg != msg || run.batch != from || (run.ends_by && now >= *run.ends_by)) continue;
    run.batch = to;
    batches_.at(from).open.erase(msg);
    free_stream_of(from);
    if (run.ends_by) outcomes_[{to, msg}] = {unless_it_ends(run), true, false};
    runs = true;
  }
  const auto outcome = outcomes_.find({from, msg});
  if (outcome == outcomes_.end()) return;
  if (!runs && !std::holds_alternative<core::RunDone>(outcome->second.what)) return;
  outcomes_[{to, msg}] = outcome->second;
  outcomes_.erase(outcome);
  batches_.at(from).open.erase(msg);
  free_stream_of(from);
}

// Somebody else has settled its batch, where that has no msg any more: so it asks again.
void WorkerLaw::free_stream_of(const Xid& id) {
  const Batch& batch = batches_.at(id);
  const auto stream = streams_.find(batch.stream);
  if (stream == streams_.end() || stream->second.batch != id) return;
  if (batch.open.empty() && batch.to_come == 0 && !batch.under_way) stream->second.batch.reset();
}

void WorkerLaw::heard(std::uint64_t stream, const core::StreamClosed& /*closed*/,
                      core::Instant /*now*/) {
  stream_is_gone(stream);
}

void WorkerLaw::want(const core::HangUp& hang_up, core::Instant /*now*/) {
  if (came_ && came_->stream == hang_up.stream) came_.reset();
  const auto stream = streams_.find(hang_up.stream);
  breaks(is_told_to_stop_ && stream != streams_.end() && !stream->second.batch, "stops",
         "hangs up on a free stream, though a batch may be on its way");
  stream_is_gone(hang_up.stream);
}

void WorkerLaw::stream_is_gone(std::uint64_t stream) {
  const auto gone = streams_.extract(stream);
  if (gone.empty()) return;
  for (auto& [id, batch] : batches_) {
    if (batch.stream != stream) continue;
    batch.lost = true;
    batch.to_come = 0;
  }
}

void WorkerLaw::lose(const Xid& id) {
  const auto at = batches_.find(id);
  if (at == batches_.end()) return;
  at->second.lost = true;
}

// ---- runs

void WorkerLaw::want(const core::BeginRun& begin, core::Instant now) {
  take_in();
  if (empty_looks_ < kLooks) empty_looks_ = 0;
  breaks(std::ranges::any_of(runs_, [&](const auto& run) { return run.second.msg == begin.msg; }),
         "once_a_process", "begins " + begin.msg.text() + ", of which a run goes on");
  const auto batch = batches_.find(brought_by_);
  const bool is_held =
      batch != batches_.end() && batch->second.open.contains(begin.msg) && !batch->second.lost;
  breaks(!is_held, "begun_while_held", "begins " + begin.msg.text() + ", which it does not hold");
  runs_[begin.run] = {begin.msg, batch->first, now, {}, {}};
  ++begun_;
}

void WorkerLaw::want(const core::CancelRun& cancel, core::Instant now) {
  Run& run = runs_.at(cancel.run);
  run.cancelled = cancel.reason;
  if (cancel.reason == core::CancelReason::lost) {
    check_lost(run, now);
    return lose(run.batch);
  }
  breaks(cancel.reason == core::CancelReason::given_back && stops_ < 2, "stops",
         "gives " + run.msg.text() + " back, and was told to stop " + std::to_string(stops_) +
             " times");
  run.ends_by = now + timing_.stop_time + timing_.slack;
  const auto batch = batches_.find(run.batch);
  if (batch == batches_.end() || batch->second.is_over) return;
  batch->second.owes_since = now;
  outcomes_[{run.batch, run.msg}] = {unless_it_ends(run), true, false};
}

// Of a run that is told to end, if it brings nothing in time.
core::RunOutcome WorkerLaw::unless_it_ends(const Run& run) {
  if (run.cancelled == core::CancelReason::timed_out) return core::RunFailed{};
  return core::RunGivenBack{};
}

// Since a report was taken it is known exactly when the lease began; that of a grant is as old as its bytes.
void WorkerLaw::check_lost(const Run& run, core::Instant now) const {
  const auto batch = batches_.find(run.batch);
  if (batch == batches_.end() || batch->second.lost || !batch->second.was_kept) return;
  breaks(now + kMoment < batch->second.taken_at + timing_.client_stop(), "lost_for_a_reason",
         "gives up " + run.msg.text() + ", whose stream and lease it has");
}

void WorkerLaw::want(const core::KeepRun& keep, core::Instant /*now*/) {
  take_in();
  Run& run = runs_.at(keep.run);
  const auto batch = batches_.find(run.batch);
  breaks(!run.cancelled || batch == batches_.end() || batch->second.lost, "begun_while_held",
         "goes on with " + run.msg.text() + ", which it does not hold");
  run.cancelled.reset();
}

void WorkerLaw::heard(const core::RunEnded& ended, core::Instant now) {
  const auto at = runs_.extract(ended.run);
  if (at.empty()) return;
  const Run& run = at.mapped();
  const auto batch = batches_.find(run.batch);
  if (batch == batches_.end() || !batch->second.open.contains(run.msg)) return;
  if (batch->second.is_over) return settle(run.batch, {run.msg});
  batch->second.owes_since = now;
  const bool timed_out = run.cancelled == core::CancelReason::timed_out;
  const Owed owed{run.batch, run.msg};
  if (!timed_out) outcomes_[owed] = {ended.outcome, outcomes_.contains(owed), false};
}

// ---- reports

void WorkerLaw::check_named(const core::Reported& report, std::set<Xid>& named) {
  const auto check = [&]<class Kind>(const Xid& id, const Kind& /*kind*/) {
    const auto outcome = outcomes_.find({*report.batch, id});
    const bool is_known =
        outcome != outcomes_.end() &&
        (outcome->second.any || std::holds_alternative<Kind>(outcome->second.what));
    breaks(!named.insert(id).second || !is_known, "outcomes_arrive",
           "reports of " + id.text() + " what did not become of it");
  };
  for (const Xid& id : report.ids) check(id, core::RunDone{});
  for (const core::FailedId& failed : report.failed) check(failed.id, core::RunFailed{});
  for (const Xid& id : report.refused) check(id, core::RunGivenBack{});
}

void WorkerLaw::want(const core::PostReport& post, core::Instant now) {
  take_in();
  const core::Reported& report = post.report;
  Post& sent = posts_[post.number];
  sent = {report.batch, {}, now, false};
  if (!report.batch) return;
  const auto at = batches_.find(*report.batch);
  breaks(at == batches_.end(), "outcomes_arrive", "reports of a batch that is settled");
  Batch& batch = at->second;
  sent.keeps = streams_.contains(batch.stream);
  breaks(batch.under_way.has_value(), "outcomes_arrive", "sends two reports of a batch at once");
  breaks(stops_ == 0 && now < batch.not_before, "retry_after",
         "sends a report again sooner than it was asked to");
  breaks(!report.partial, "outcomes_arrive", "reports a batch as a whole, though it has more");
  // What came and was not begun.
  for (const Xid& id : report.refused) {
    outcomes_.try_emplace({*report.batch, id}, Outcome{core::RunGivenBack{}, false, false});
  }
  check_named(report, sent.msgs);
  batch.under_way = post.number;
  batch.kept_at = now;
  check_last(post, sent.msgs);
}

void WorkerLaw::check_last(const core::PostReport& post, const std::set<Xid>& named) {
  const Batch& batch = batches_.at(*post.report.batch);
  const bool names_all = batch.to_come == 0 && named == batch.open;
  breaks(post.report.last && !names_all, "last_word",
         "says that it takes no more, and works on " + std::to_string(batch.open.size()) + " msgs");
  const auto stream = streams_.find(batch.stream);
  if (!names_all || stream == streams_.end() || stream->second.batch != post.report.batch) return;
  stream->second.batch.reset();
  stream->second.ends = stream->second.ends || post.report.last;
  if (!stream->second.ends)
    check_room("keeps a stream of " + std::to_string(stream->second.batchsize));
}

void WorkerLaw::want(const core::PostLeave& leave, core::Instant now) {
  posts_[leave.number] = {{}, {}, now, false};
}

void WorkerLaw::want(const core::AbandonPost& abandon, core::Instant now) {
  const auto at = posts_.extract(abandon.number);
  if (at.empty()) return;
  const Post& post = at.mapped();
  breaks(now < post.sent_at + (post.keeps ? kForAKeep : kForAnAnswer) && !rests_at_,
         "outcomes_arrive", "abandons a report before its time is over");
  answered(post, {}, now);
}

void WorkerLaw::heard(const core::PostTried& tried, core::Instant now) {
  const auto at = posts_.extract(tried.number);
  if (!at.empty()) answered(at.mapped(), tried, now);
}

void WorkerLaw::answered(const Post& post, const core::PostTried& tried, core::Instant now) {
  if (!post.batch) return;
  const auto at = batches_.find(*post.batch);
  if (at == batches_.end()) return;
  Batch& batch = at->second;
  batch.under_way.reset();
  batch.kept_at = now;
  batch.wait = is_not_now(tried.status) ? longest_wait(tried.retry_after) : 0us;
  batch.not_before = now;
  if (is_not_now(tried.status)) {
    const core::Instant asked = now + tried.retry_after.value_or(0us);
    // Nobody waits for longer than a lease lasts. That of a grant is as old as its bytes; when a report was taken is
    // known to half of it.
    const bool outlasts =
        !batch.lost && (!batch.was_kept || asked >= batch.taken_at + timing_.client_stop() / 2);
    if (!outlasts) batch.not_before = asked;
    return;
  }
  if (says_too_much(tried.status) && !gives_up(*post.batch, post.msgs)) {
    batch.owes_since = now;
    return;
  }
  const bool is_taken = tried.status >= 200 && tried.status < 300;
  if (is_taken && post.sent_at >= batch.taken_at) {
    batch.taken_at = post.sent_at;
    batch.was_kept = true;
  }
  // Taken in time, and told when the lease was given up: it is kept.
  if (is_taken && !batch.is_over && streams_.contains(batch.stream) &&
      now < batch.taken_at + timing_.client_stop()) {
    batch.lost = false;
  }
  if (tried.status == 409) lose(*post.batch);
  // Of what somebody finished since the old batch was reported, the new one tells.
  std::set<Xid> settled;
  for (const Xid& id : post.msgs) {
    if (outcomes_.erase({*post.batch, id}) > 0) settled.insert(id);
  }
  if (tried.status == 409 && !settled.empty()) is_over(*post.batch, now);
  settle(*post.batch, settled);
}

// Whether what a report named that was not taken is named no more: of several msgs one may be the cause, and in the
// place of one result or error another is tried.
bool WorkerLaw::gives_up(const Xid& batch, const std::set<Xid>& msgs) {
  if (msgs.size() != 1) return msgs.empty();
  const auto at = outcomes_.find({batch, *msgs.begin()});
  if (at == outcomes_.end()) return true;
  Outcome& outcome = at->second;
  const auto* done = std::get_if<core::RunDone>(&outcome.what);
  const bool has_more = done != nullptr ? !done->result.empty()
                                        : std::holds_alternative<core::RunFailed>(outcome.what);
  if (!has_more || outcome.is_other) return true;
  outcome = {core::RunFailed{}, outcome.any, true};
  return false;
}

// What runs of it is too late, whatever it brings.
void WorkerLaw::is_over(const Xid& id, core::Instant now) {
  batches_.at(id).is_over = true;
  for (const auto& [number, run] : runs_) {
    if (run.batch == id && !(run.ends_by && now >= *run.ends_by)) outcomes_.erase({id, run.msg});
  }
}

void WorkerLaw::settle(const Xid& id, const std::set<Xid>& msgs) {
  Batch& batch = batches_.at(id);
  for (const Xid& msg : msgs) batch.open.erase(msg);
  free_stream_of(id);
  if (batch.open.empty() && batch.to_come == 0 && !batch.under_way) batches_.erase(id);
}

// ---- the end

void WorkerLaw::heard(const core::CountsTold& told, core::Instant /*now*/) {
  if (empty_looks_ < kLooks) empty_looks_ = told.left == 0 ? empty_looks_ + 1 : 0;
}

void WorkerLaw::heard(const core::WorkerStopAsked& /*asked*/, core::Instant /*now*/) {
  is_told_to_stop_ = true;
  ++stops_;
  rests_at_.reset();
}

void WorkerLaw::want(const core::EndWorker& end, core::Instant now) {
  breaks(end.reason == core::WorkerEndReason::stopped && stops_ == 0, "stops",
         "ends, and was not asked to");
  breaks(end.reason == core::WorkerEndReason::empty && empty_looks_ < kLooks, "two_looks",
         "takes its queues for empty after " + std::to_string(empty_looks_) + " looks");
  const core::Duration patience = stops_ > 1 ? rules_.hurry_patience : rules_.stop_patience;
  const bool had_time = rests_at_ && now + kMoment >= *rests_at_ + patience;
  breaks(!had_time && (!outcomes_.empty() || works()), "stops",
         "ends with " + std::to_string(outcomes_.size()) + " outcomes that are not reported");
}

bool WorkerLaw::works() const {
  return std::ranges::any_of(runs_, [this](const auto& run) {
    const auto batch = batches_.find(run.second.batch);
    return batch != batches_.end() && batch->second.open.contains(run.second.msg) &&
           !run.second.ends_by;
  });
}

}  // namespace pena::sim
