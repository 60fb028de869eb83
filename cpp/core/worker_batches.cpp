#include "core/worker_batches.hpp"

#include <algorithm>
#include <utility>

#include "core/number_text.hpp"
#include "core/one_line.hpp"
#include "core/sooner.hpp"

namespace pena::core {
// ---- what comes

// A stream has one batch at a time: with the next the server says that the one before is settled. Where that is
// not finished here, somebody else has settled it.
void WorkerBatches::begin(const Begun& begun, WorkerOutput& out) {
  for (auto& [id, other] : batches_) {
    if (other.stream != begun.stream || id == begun.batch) continue;
    other.stream = 0;
    if (!other.has_finished()) lose(other, id, out);
  }
  std::erase_if(batches_, [](const auto& other) { return other.second.is_settled(); });
  const auto [at, is_new] = batches_.try_emplace(begun.batch, rules_.report_bytes);
  if (!is_new) return;
  Batch& batch = at->second;
  batch.stream = begun.stream;
  batch.size = begun.size;
  batch.keeping = begun.keeping;
  batch.stop_time = begun.stop_time;
  if (begun.keeping) batch.kept_at = begun.keeping->granted_at;
}

bool WorkerBatches::add(const MsgArrived& msg, Instant now, WorkerOutput& out) {
  const auto at = msg.batch ? batches_.find(*msg.batch) : batches_.end();
  if (at == batches_.end()) return false;
  Batch& batch = at->second;
  ++out.counts.received;
  ++batch.arrived;
  batch.open.insert(msg.id);
  if (adopt(msg.id, *msg.batch, out)) return true;
  if (batch.lost || gives_back_) {
    batch.reports.add(msg.id, RunGivenBack{});
    ++out.counts.given_back;
  } else if (outlived_.contains(msg.id)) {
    batch.reports.add(msg.id, RunFailed{"an earlier run of it took too long and has not ended"});
    ++out.counts.failed;
  } else {
    begin_run(msg, now, out);
  }
  return true;
}

void WorkerBatches::begin_run(const MsgArrived& msg, Instant now, WorkerOutput& out) {
  ++out.counts.begun;
  const std::uint64_t number = ++last_run_;
  runs_.emplace(number, Run{msg.id, *msg.batch, now});
  run_of_msg_.emplace(msg.id, number);
  out.act(BeginRun{number, msg.id, msg.data});
}

std::size_t WorkerBatches::to_come() const {
  std::size_t msgs = 0;
  for (const auto& [id, batch] : batches_) {
    if (batch.stream != 0) msgs += batch.size - std::min(batch.size, batch.arrived);
  }
  return msgs;
}

// Whether the work on it goes on here, or is done and not reported: for the batch that it had was lost. What failed
// or was given back stays with that: it may have come again for that very report, and is begun anew.
bool WorkerBatches::adopt(const Xid& msg, const Xid& to, WorkerOutput& out) {
  if (const auto run = run_of_msg_.find(msg); run != run_of_msg_.end()) {
    hand_over(run->second, runs_.at(run->second), to, out);
    return true;
  }
  for (auto& [from, other] : batches_) {
    if (from == to) continue;
    auto done = other.reports.take_done(msg);
    if (!done) continue;
    batches_.at(to).reports.add(msg, std::move(done->done), done->run);
    settle(Xid{from}, {msg});
    return true;
  }
  return false;
}

void WorkerBatches::hand_over(std::uint64_t number, Run& run, const Xid& to, WorkerOutput& out) {
  const Xid from = std::exchange(run.batch, to);
  if (from != to) settle(from, {run.msg});
  if (run.stop_by || run.cancelled == batches_.at(to).lost) return;
  run.cancelled = !run.cancelled;
  if (run.cancelled) {
    out.act(CancelRun{number, CancelReason::lost});
  } else {
    out.act(KeepRun{number});
  }
}

void WorkerBatches::pass_over(const Xid& id) {
  const auto at = batches_.find(id);
  if (at == batches_.end()) return;
  ++at->second.arrived;
  at->second.has_strange = true;
  erase_if_settled(id);
}

// ---- runs

void WorkerBatches::ended(const RunEnded& event, WorkerOutput& out) {
  const auto at = runs_.find(event.run);
  if (at == runs_.end()) return;
  Run& run = at->second;
  if (!run.is_decided) {
    decide(event.run, run, run.timed_out && event.was_begun ? outcome_of(run) : event.outcome, out);
  }
  outlived_.erase(run.msg);
  runs_.erase(at);
}

void WorkerBatches::decide(std::uint64_t number, Run& run, RunOutcome outcome, WorkerOutput& out) {
  run.is_decided = true;
  run_of_msg_.erase(run.msg);
  outlived_.insert(run.msg);
  count(outcome, out);
  const auto at = batches_.find(run.batch);
  if (at == batches_.end()) return;
  Batch& batch = at->second;
  if (!batch.is_over) return batch.reports.add(run.msg, std::move(outcome), number);
  ++out.counts.too_late;
  RunSettled settled{number, RunFate::too_late, "its batch was over", run.msg};
  if (auto* const failed = std::get_if<RunFailed>(&outcome)) {
    settled.error = std::move(failed->error);
  }
  out.act(std::move(settled));
  say_too_late(1, out);
  settle(Xid{run.batch}, {run.msg});
}

void WorkerBatches::count(const RunOutcome& outcome, WorkerOutput& out) {
  if (std::holds_alternative<RunDone>(outcome)) {
    ++out.counts.done;
  } else if (std::holds_alternative<RunFailed>(outcome)) {
    ++out.counts.failed;
  } else {
    ++out.counts.given_back;
  }
}

// Of one that was told to end, where it brings nothing in time.
RunOutcome WorkerBatches::outcome_of(const Run& run) const {
  if (!run.timed_out) return RunGivenBack{};
  const double seconds = std::chrono::duration<double>(*rules_.run_time).count();
  return RunFailed{"it took longer than " + number_text(seconds) + " s"};
}

// What is reported now may be begun by somebody else at once, so it waits for the run's end.
void WorkerBatches::stop(std::uint64_t number, Run& run, CancelReason reason, Instant now,
                         WorkerOutput& out) {
  run.stop_by = now + batches_.at(run.batch).stop_time;
  out.act(CancelRun{number, reason});
}

void WorkerBatches::time_out(std::uint64_t number, Run& run, Instant now, WorkerOutput& out) {
  ++out.counts.timed_out;
  run.timed_out = true;
  stop(number, run, CancelReason::timed_out, now, out);
}

Instant WorkerBatches::give_back_all(Instant now, WorkerOutput& out) {
  gives_back_ = true;
  Instant last = now;
  for (auto& [number, run] : runs_) {
    if (run.is_decided) continue;
    if (!run.stop_by) stop(number, run, CancelReason::given_back, now, out);
    last = std::max(last, *run.stop_by);
  }
  return last;
}

// By age: where one has time left, all behind it have.
void WorkerBatches::look_at_runs(Instant now, WorkerOutput& out) {
  for (auto& [number, run] : runs_) {
    if (run.is_decided) continue;
    if (!run.stop_by) {
      if (!rules_.run_time || now < run.begun_at + *rules_.run_time) break;
      time_out(number, run, now, out);
    } else if (now >= *run.stop_by) {
      decide(number, run, outcome_of(run), out);
    }
  }
}

std::optional<Instant> WorkerBatches::next_of_runs() const {
  std::optional<Instant> next;
  for (const auto& [number, run] : runs_) {
    if (run.is_decided) continue;
    next = sooner(next, run.stop_by);
    if (run.stop_by) continue;
    if (rules_.run_time) next = sooner(next, run.begun_at + *rules_.run_time);
    break;
  }
  return next;
}

// ---- what is lost

void WorkerBatches::lose(const Xid& id, WorkerOutput& out) {
  const auto at = batches_.find(id);
  if (at == batches_.end()) return;
  at->second.stream = 0;
  lose(at->second, id, out);
  erase_if_settled(id);
}

void WorkerBatches::lose(Batch& batch, const Xid& id, WorkerOutput& out) {
  if (std::exchange(batch.lost, true)) return;
  ++out.counts.lost;
  for (const Xid& msg : batch.open) {
    const auto number = run_of_msg_.find(msg);
    if (number == run_of_msg_.end()) continue;
    Run& run = runs_.at(number->second);
    if (run.batch != id || run.stop_by || std::exchange(run.cancelled, true)) continue;
    out.act(CancelRun{number->second, CancelReason::lost});
  }
}

// The server took a report in time, and its answer came after the lease was given up here.
void WorkerBatches::keep_again(Batch& batch, const Xid& id, Instant now, WorkerOutput& out) {
  if (!batch.lost || batch.stream == 0 || batch.is_over || !batch.keeping) return;
  if (now >= batch.lost_at()) return;
  batch.lost = false;
  for (const Xid& msg : batch.open) {
    const auto number = run_of_msg_.find(msg);
    if (number == run_of_msg_.end()) continue;
    Run& run = runs_.at(number->second);
    if (run.batch != id || !std::exchange(run.cancelled, false)) continue;
    if (!run.stop_by) out.act(KeepRun{number->second});
  }
}

void WorkerBatches::look_at_time(Instant now, WorkerOutput& out) {
  look_at_runs(now, out);
  for (auto& [id, batch] : batches_) {
    if (!batch.lost && batch.keeping && now >= batch.lost_at()) lose(batch, id, out);
  }
}

std::optional<Instant> WorkerBatches::next_timeout() const {
  std::optional<Instant> next = next_of_runs();
  for (const auto& [id, batch] : batches_) next = sooner(next, batch.next_timeout());
  return next;
}

std::size_t WorkerBatches::unreported() const {
  std::size_t msgs = 0;
  for (const auto& [id, batch] : batches_) msgs += batch.open.size();
  return msgs;
}

// ---- reports

bool WorkerBatches::Batch::has_to_send(Instant now) const {
  if (!reports.may_send(now)) return false;
  const bool keeps = !lost && keeping && now >= keep_at();
  return keeps || reports.has_waiting() || has_to_give_up();
}

std::optional<Instant> WorkerBatches::Batch::next_timeout() const {
  const bool is_kept = !lost && keeping;
  std::optional<Instant> next = is_kept ? std::optional{lost_at()} : std::nullopt;
  if (reports.is_under_way()) return sooner(next, reports.answer_by());
  const auto sends_at = reports.sends_at();
  if (reports.has_waiting() || has_to_give_up()) next = sooner(next, sends_at);
  if (is_kept) next = sooner(next, std::max(keep_at(), sends_at.value_or(keep_at())));
  return next;
}

std::optional<WorkerBatches::Sent> WorkerBatches::send_next(std::uint64_t number, Instant now) {
  for (auto& [id, batch] : batches_) {
    if (!batch.has_to_send(now)) continue;
    Sent sent{batch.reports.send(number, now, batch.lost_by()), batch.stream};
    sent.ends = batch.has_finished() && !batch.reports.has_waiting();
    sent.report.batch = id;
    // What is no msg to this side is given up with the last of the others.
    batch.gives_up = sent.ends && batch.has_strange;
    sent.report.partial = !batch.gives_up;
    posts_.emplace(number, id);
    return sent;
  }
  return std::nullopt;
}

std::optional<WorkerBatches::Tried> WorkerBatches::tried(const PostTried& what, Instant now,
                                                         std::uint64_t chance, WorkerOutput& out) {
  const auto post = posts_.find(what.number);
  if (post == posts_.end()) return std::nullopt;
  const Xid id = post->second;
  posts_.erase(post);
  const auto at = batches_.find(id);
  if (at == batches_.end()) return std::nullopt;
  Batch& batch = at->second;
  Tried result{batch.stream};
  WorkerReports::Tried tried =
      batch.reports.tried(what, rules_.retry, now, chance, batch.lost_by());
  result.failed = tried.failed;
  for (RunSettled& run : tried.runs) out.act(std::move(run));
  if (tried.is_cut) {
    out.say(LogLevel::error, "the result of a msg was not taken, so it has failed: " + what.why);
  }
  switch (tried.fate) {
    case WorkerReports::Fate::again:
      batch.in_doubt = batch.in_doubt || tried.failed;
      return result;
    case WorkerReports::Fate::accepted:
      result.accepted = true;
      batch.heard = !batch.in_doubt;
      batch.kept_at = std::max(batch.kept_at, what.sent_at);
      keep_again(batch, id, now, out);
      out.counts.reported += tried.msgs.size();
      break;
    case WorkerReports::Fate::not_kept:
      lose(batch, id, out);
      break;
    case WorkerReports::Fate::too_late:
      lose(batch, id, out);
      batch.is_over = true;
      out.counts.too_late += tried.too_late;
      say_too_late(tried.too_late, out);
      break;
    case WorkerReports::Fate::refused:
      batch.refused_at = now;
      say_refused(tried.msgs.size(), what.why, out);
      break;
  }
  if (batch.gives_up) batch.has_strange = false;
  settle(id, tried.msgs);
  return result;
}

void WorkerBatches::say_refused(std::size_t msgs, const std::string& why, WorkerOutput& out) {
  out.say(LogLevel::error, msgs == 0 ? "the server refused to keep a batch: " + why
                                     : "the server refused a report, so it is given up with its " +
                                           msgs_text(msgs) + ": " + why);
}

void WorkerBatches::say_too_late(std::size_t msgs, WorkerOutput& out) {
  if (msgs == 0) return;
  out.say(LogLevel::warning, msgs_text(msgs) + " finished too late: the batch was over, so " +
                                 (msgs == 1 ? "it is" : "they are") +
                                 " sent again, or somebody else has done it");
}

void WorkerBatches::settle(const Xid& id, const std::vector<Xid>& msgs) {
  const auto at = batches_.find(id);
  if (at == batches_.end()) return;
  for (const Xid& msg : msgs) at->second.open.erase(msg);
  erase_if_settled(id);
}

void WorkerBatches::erase_if_settled(const Xid& id) {
  const auto at = batches_.find(id);
  if (at == batches_.end() || !at->second.is_settled()) return;
  if (at->second.stream != 0) freed_.push_back({at->second.stream, at->second.heard});
  batches_.erase(at);
}

std::vector<std::uint64_t> WorkerBatches::late_posts(Instant now) const {
  std::vector<std::uint64_t> late;
  for (const auto& [id, batch] : batches_) {
    if (batch.reports.is_late(now)) late.push_back(batch.reports.number());
  }
  return late;
}

std::vector<std::uint64_t> WorkerBatches::posts() const {
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, batch] : posts_) numbers.push_back(number);
  return numbers;
}

void WorkerBatches::hurry() {
  for (auto& [id, batch] : batches_) batch.reports.hurry();
}

}  // namespace pena::core
