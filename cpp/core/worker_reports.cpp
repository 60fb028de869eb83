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

void WorkerReports::add(const Xid& msg, RunOutcome outcome) {
  if (auto* failed = std::get_if<RunFailed>(&outcome); failed != nullptr) {
    failed->error = cut_text(failed->error, kLongestError);
  }
  waiting_.push_back({msg, std::move(outcome)});
}

std::optional<RunDone> WorkerReports::take_done(const Xid& msg) {
  const auto take_of = [&](auto& finished) -> std::optional<RunDone> {
    const auto at = std::ranges::find(finished, msg, &Finished::msg);
    if (at == finished.end() || !std::holds_alternative<RunDone>(at->outcome)) return std::nullopt;
    RunDone done = std::get<RunDone>(std::move(at->outcome));
    finished.erase(at);
    return done;
  };
  if (auto done = take_of(waiting_)) return done;
  return take_of(sent_);
}

Reported WorkerReports::send(std::uint64_t number, Instant now) {
  PENA_CHECK(may_send(now));
  sends_at_.reset();
  answer_by_ = now + kAnswerTime;
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
                                          Instant now, std::uint64_t chance) {
  PENA_CHECK(answer_by_.has_value());
  answer_by_.reset();
  if (what.status >= 200 && what.status < 300) {
    failures_ = 0;
    if (most_msgs_ < SIZE_MAX / 2) most_msgs_ *= 2;
    return settled_as(Fate::accepted);
  }
  if (may_be_tried_again(what.status)) {
    put_back();
    sends_at_ = now + wait_to_retry(rules, ++failures_, what.retry_after, chance);
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
    Tried tried = settled_as(Fate::too_late);
    tried.too_late = static_cast<std::size_t>(brought);
    return tried;
  }
  if (what.status == 413 && !sent_.empty()) return too_large(what);
  return settled_as(Fate::refused);
}

WorkerReports::Tried WorkerReports::too_large(const PostTried& what) {
  if (sent_.size() > 1) {
    most_msgs_ = sent_.size() / 2;
    put_back();
    return {};
  }
  Finished& alone = sent_.front();
  if (std::exchange(alone.is_cut, true)) return settled_as(Fate::refused);
  alone.outcome = RunFailed{"its result was not taken: " + what.why, std::nullopt, true};
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

WorkerReports::Tried WorkerReports::settled_as(Fate fate) {
  Tried tried;
  tried.fate = fate;
  tried.msgs.reserve(sent_.size());
  for (const Finished& finished : sent_) tried.msgs.push_back(finished.msg);
  sent_.clear();
  return tried;
}

}  // namespace pena::core
