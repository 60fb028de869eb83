#include "core/worker_reports.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/check.hpp"
#include "core/cut_text.hpp"
#include "core/limits.hpp"

namespace pena::core {
namespace {

constexpr std::size_t kLongestError = 16 * 1024;
// A wait that the end of a lease makes short is no shorter than that.
constexpr Duration kShortestWait = std::chrono::milliseconds{100};

std::size_t bytes_of(const RunOutcome& outcome) {
  if (const auto* done = std::get_if<RunDone>(&outcome)) return done->result.size();
  if (const auto* failed = std::get_if<RunFailed>(&outcome)) return failed->error.size();
  return 0;
}

// As a server takes it: one that it does not take would cost the report all that it says.
std::optional<Duration> retry_in_of(const RunFailed& failed) {
  if (failed.final || !failed.retry_in) return std::nullopt;
  return std::clamp(*failed.retry_in, Duration::zero(), kLongestTime);
}

// Several tries fit into what is left of a lease, however it goes.
Instant sooner_than_half(Instant then, Instant now, std::optional<Instant> lost_by) {
  if (!lost_by || *lost_by <= now) return then;
  return std::min(then, now + std::max<Duration>((*lost_by - now) / 2, kShortestWait));
}

// What stands in the place of an outcome that the server does not take; nothing where it says nothing but the id.
std::optional<RunFailed> in_place_of(const RunOutcome& outcome, const std::string& why) {
  if (const auto* done = std::get_if<RunDone>(&outcome); done != nullptr && !done->result.empty()) {
    return RunFailed{"its result was not taken: " + why, std::nullopt, true};
  }
  if (const auto* failed = std::get_if<RunFailed>(&outcome)) {
    return RunFailed{"its error was not taken: " + why, failed->retry_in, failed->final};
  }
  return std::nullopt;
}

RunFate fate_of(WorkerReports::Fate fate, bool is_cut) {
  if (fate == WorkerReports::Fate::refused) return RunFate::refused;
  if (fate == WorkerReports::Fate::too_late) return RunFate::too_late;
  return is_cut ? RunFate::not_taken_as_result : RunFate::taken;
}

void say(Reported& report, const Xid& msg, const RunOutcome& outcome) {
  if (const auto* done = std::get_if<RunDone>(&outcome)) {
    report.ids.push_back(msg);
    if (!done->result.empty()) report.results.push_back({msg, done->result});
  } else if (const auto* failed = std::get_if<RunFailed>(&outcome)) {
    report.failed.push_back({msg, failed->error, retry_in_of(*failed), failed->final});
  } else {
    report.refused.push_back(msg);
  }
}

}  // namespace

void WorkerReports::add(const Xid& msg, RunOutcome outcome, std::uint64_t run) {
  if (auto* failed = std::get_if<RunFailed>(&outcome); failed != nullptr) {
    failed->error = cut_text(failed->error, kLongestError);
  }
  waiting_.push_back({msg, std::move(outcome), run});
}

std::optional<WorkerReports::TakenDone> WorkerReports::take_done(const Xid& msg) {
  const auto take_of = [&](auto& finished) -> std::optional<TakenDone> {
    const auto at = std::ranges::find(finished, msg, &Finished::msg);
    if (at == finished.end() || !std::holds_alternative<RunDone>(at->outcome)) return std::nullopt;
    TakenDone done{std::get<RunDone>(std::move(at->outcome)), at->run};
    finished.erase(at);
    return done;
  };
  if (auto done = take_of(waiting_)) return done;
  return take_of(sent_);
}

Reported WorkerReports::send(std::uint64_t number, Instant now, std::optional<Instant> lost_by) {
  PENA_CHECK(may_send(now));
  sends_at_.reset();
  answer_by_ = sooner_than_half(now + kAnswerTime, now, lost_by);
  number_ = number;
  Reported report;
  report.partial = true;
  std::size_t bytes = 0;
  while (!waiting_.empty() && sent_.size() < most_msgs_) {
    Finished& next = waiting_.front();
    bytes += bytes_of(next.outcome);
    if (bytes > most_bytes_ && !sent_.empty()) break;
    say(report, next.msg, next.outcome);
    sent_.push_back(std::move(next));
    waiting_.pop_front();
  }
  return report;
}

WorkerReports::Tried WorkerReports::tried(const PostTried& what, const RetryRules& rules,
                                          Instant now, std::uint64_t chance,
                                          std::optional<Instant> lost_by) {
  PENA_CHECK(answer_by_.has_value());
  answer_by_.reset();
  if (what.status >= 200 && what.status < 300) {
    failures_ = 0;
    if (most_msgs_ < SIZE_MAX / 2) most_msgs_ *= 2;
    return settled_as(Fate::accepted);
  }
  if (may_be_tried_again(what.status)) {
    put_back();
    const Instant later = now + wait_to_retry(rules, ++failures_, what.retry_after, chance);
    // As the server asks for it, unless the lease would be over by then.
    sends_at_ = lost_by && later >= *lost_by ? sooner_than_half(later, now, lost_by) : later;
    Tried tried;
    tried.failed = true;
    return tried;
  }
  failures_ = 0;
  if (what.status == 409) {
    if (sent_.empty()) return settled_as(Fate::not_kept);
    const auto brought = std::ranges::count_if(sent_, [](const Finished& finished) {
      return !std::holds_alternative<RunGivenBack>(finished.outcome);
    });
    Tried tried = settled_as(Fate::too_late, what.why);
    tried.too_late = static_cast<std::size_t>(brought);
    return tried;
  }
  const bool says_too_much = what.status == 400 || what.status == 413 || what.status == 422;
  if (says_too_much && !sent_.empty()) return not_taken(what);
  return settled_as(Fate::refused, what.why);
}

WorkerReports::Tried WorkerReports::not_taken(const PostTried& what) {
  if (sent_.size() > 1) {
    most_msgs_ = sent_.size() / 2;
    put_back();
    return {};
  }
  Finished& alone = sent_.front();
  auto other = in_place_of(alone.outcome, what.why);
  if (!other || std::exchange(alone.is_cut, true)) {
    return settled_as(Fate::refused, what.why);
  }
  alone.outcome = std::move(*other);
  most_msgs_ = 1;
  put_back();
  Tried tried;
  tried.is_cut = true;
  return tried;
}

// In front of what has finished since: the next report says all of it.
void WorkerReports::put_back() {
  waiting_.insert(waiting_.begin(), std::make_move_iterator(sent_.begin()),
                  std::make_move_iterator(sent_.end()));
  sent_.clear();
}

WorkerReports::Tried WorkerReports::settled_as(Fate fate, const std::string& why) {
  Tried tried;
  tried.fate = fate;
  tried.msgs.reserve(sent_.size());
  for (Finished& finished : sent_) {
    tried.msgs.push_back(finished.msg);
    if (finished.run == 0) continue;
    auto* const failed = std::get_if<RunFailed>(&finished.outcome);
    const bool is_cut =
        fate == Fate::accepted && finished.is_cut && failed != nullptr && failed->final;
    tried.runs.push_back(
        {finished.run, fate_of(fate, is_cut), is_cut ? failed->error : why, finished.msg});
    if (failed != nullptr) tried.runs.back().error = std::move(failed->error);
  }
  sent_.clear();
  return tried;
}

}  // namespace pena::core
