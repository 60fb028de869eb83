#include "core/worker_batches.hpp"

#include <algorithm>
#include <utility>

#include "core/number_text.hpp"
#include "core/one_line.hpp"
#include "core/sooner.hpp"

namespace pena::core {
// ---- what comes

void WorkerBatches::begin(const Begun& begun) {
  const auto [at, is_new] = batches_.try_emplace(begun.batch, rules_.report_bytes);
  if (!is_new) return;
  Batch& batch = at->second;
  batch.stream = begun.stream;
  batch.size = begun.size;
  batch.keeping = begun.keeping;
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
  if (batch.lost) {
    batch.reports.add(msg.id, RunGivenBack{});
    ++out.counts.given_back;
    return true;
  }
  ++out.counts.begun;
  const std::uint64_t number = ++last_run_;
  runs_.emplace(number, Run{msg.id, *msg.batch, now});
  run_of_msg_.emplace(msg.id, number);
  out.act(BeginRun{number, msg.id, msg.data});
  return true;
}

// Whether the work on it goes on here, or is done and not reported: for the batch that it had was lost.
bool WorkerBatches::adopt(const Xid& msg, const Xid& to, WorkerOutput& out) {
  Batch& batch = batches_.at(to);
  if (const auto run = run_of_msg_.find(msg); run != run_of_msg_.end()) {
    Run& goes_on = runs_.at(run->second);
    const Xid from = std::exchange(goes_on.batch, to);
    if (from != to) settle(from, {msg});
    if (std::exchange(goes_on.cancelled, batch.lost)) out.act(KeepRun{run->second});
    return true;
  }
  for (auto& [from, other] : batches_) {
    if (from == to) continue;
    if (auto outcome = other.reports.take(msg)) {
      batch.reports.add(msg, std::move(*outcome));
      settle(Xid{from}, {msg});
      return true;
    }
  }
  return false;
}

void WorkerBatches::pass_over(const Xid& id) {
  const auto at = batches_.find(id);
  if (at == batches_.end()) return;
  ++at->second.arrived;
  at->second.has_strange = true;
}

// ---- runs

void WorkerBatches::ended(const RunEnded& event, WorkerOutput& out) {
  const auto at = runs_.find(event.run);
  if (at == runs_.end()) return;
  Run& run = at->second;
  if (!run.is_decided) decide(run, event.outcome, out);
  runs_.erase(at);
}

void WorkerBatches::decide(Run& run, RunOutcome outcome, WorkerOutput& out) {
  run.is_decided = true;
  run_of_msg_.erase(run.msg);
  count(outcome, out);
  const auto at = batches_.find(run.batch);
  if (at == batches_.end()) return;
  Batch& batch = at->second;
  if (!batch.is_over) return batch.reports.add(run.msg, std::move(outcome));
  ++out.counts.too_late;
  say_too_late(1, out);
  settle(Xid{run.batch}, {run.msg});
}

void WorkerBatches::count(const RunOutcome& outcome, WorkerOutput& out) const {
  if (std::holds_alternative<RunDone>(outcome)) {
    ++out.counts.done;
  } else if (std::holds_alternative<RunFailed>(outcome)) {
    ++out.counts.failed;
  } else {
    ++out.counts.given_back;
  }
}

void WorkerBatches::time_out(std::uint64_t number, Run& run, WorkerOutput& out) {
  ++out.counts.timed_out;
  const double seconds = std::chrono::duration<double>(*rules_.run_time).count();
  decide(run, RunFailed{"it took longer than " + number_text(seconds) + " s"}, out);
  out.act(CancelRun{number, CancelReason::timed_out});
}

void WorkerBatches::give_back_all(WorkerOutput& out) {
  for (auto& [number, run] : runs_) {
    if (run.is_decided) continue;
    decide(run, RunGivenBack{}, out);
    out.act(CancelRun{number, CancelReason::given_back});
  }
  runs_.clear();
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
    if (run.batch != id || std::exchange(run.cancelled, true)) continue;
    out.act(CancelRun{number->second, CancelReason::lost});
  }
}

void WorkerBatches::look_at_time(Instant now, WorkerOutput& out) {
  if (rules_.run_time) {
    for (auto& [number, run] : runs_) {
      if (now < run.begun_at + *rules_.run_time) break;
      if (!run.is_decided) time_out(number, run, out);
    }
  }
  for (auto& [id, batch] : batches_) {
    if (!batch.lost && batch.keeping && now >= batch.lost_at()) lose(batch, id, out);
  }
}

std::optional<Instant> WorkerBatches::next_timeout() const {
  std::optional<Instant> next;
  if (rules_.run_time) {
    for (const auto& [number, run] : runs_) {
      if (run.is_decided) continue;
      next = run.begun_at + *rules_.run_time;
      break;
    }
  }
  for (const auto& [id, batch] : batches_) {
    next = sooner(next, batch.reports.next_timeout());
    if (batch.lost || !batch.keeping) continue;
    next = sooner(next, batch.lost_at());
    if (!batch.reports.is_under_way()) {
      next = sooner(next,
                    std::max(batch.keep_at(), batch.reports.sends_at().value_or(batch.keep_at())));
    }
  }
  return next;
}

std::size_t WorkerBatches::unreported() const {
  std::size_t msgs = 0;
  for (const auto& [id, batch] : batches_) msgs += batch.reports.size();
  return msgs;
}

// ---- reports

bool WorkerBatches::Batch::has_to_send(Instant now) const {
  if (!reports.may_send(now)) return false;
  const bool keeps = !lost && keeping && now >= keep_at();
  return keeps || reports.has_waiting() || (has_strange && has_finished());
}

std::optional<WorkerBatches::Sent> WorkerBatches::send_next(std::uint64_t number, Instant now) {
  for (auto& [id, batch] : batches_) {
    if (!batch.has_to_send(now)) continue;
    Sent sent{batch.reports.send(number, now), batch.stream};
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
  const WorkerReports::Tried tried = batch.reports.tried(what, rules_.retry, now, chance);
  result.failed = tried.failed;
  if (tried.is_cut) {
    out.say(LogLevel::error, "the result of a msg was not taken, so it has failed: " + what.why);
  }
  switch (tried.fate) {
    case WorkerReports::Fate::again:
      return result;
    case WorkerReports::Fate::accepted:
      result.accepted = true;
      batch.kept_at = std::max(batch.kept_at, what.sent_at);
      out.counts.reported += tried.msgs.size();
      break;
    case WorkerReports::Fate::not_kept:
      lose(batch, id, out);
      break;
    case WorkerReports::Fate::too_late:
      lose(batch, id, out);
      batch.is_over = true;
      out.counts.too_late += tried.msgs.size();
      say_too_late(tried.msgs.size(), out);
      break;
    case WorkerReports::Fate::refused:
      out.say(LogLevel::error, "the server refused a report, so it is given up with its " +
                                   msgs_text(tried.msgs.size()) + ": " + what.why);
      break;
  }
  if (batch.gives_up) batch.has_strange = false;
  settle(id, tried.msgs);
  result.is_over = !batches_.contains(id);
  return result;
}

void WorkerBatches::say_too_late(std::size_t msgs, WorkerOutput& out) const {
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
  if (at != batches_.end() && at->second.is_settled()) batches_.erase(at);
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
