#include "core/worker_reports.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/check.hpp"
#include "core/cut_text.hpp"

namespace pena::core {
namespace {

constexpr std::size_t kLongestError = 16 * 1024;

std::size_t bytes_of(const RunOutcome& outcome) {
  if (const auto* done = std::get_if<RunDone>(&outcome)) return done->result.size();
  if (const auto* failed = std::get_if<RunFailed>(&outcome)) return failed->error.size();
  return 0;
}

void say(Reported& report, const Xid& msg, const RunOutcome& outcome) {
  if (const auto* done = std::get_if<RunDone>(&outcome)) {
    report.ids.push_back(msg);
    if (!done->result.empty()) report.results.push_back({msg, done->result});
  } else if (const auto* failed = std::get_if<RunFailed>(&outcome)) {
    report.failed.push_back({msg, failed->error, failed->retry_in, failed->final});
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

std::optional<RunOutcome> WorkerReports::take(const Xid& msg) {
  const auto take_of = [&](auto& finished) -> std::optional<RunOutcome> {
    const auto at = std::ranges::find(finished, msg, &Finished::msg);
    if (at == finished.end()) return std::nullopt;
    RunOutcome outcome = std::move(at->outcome);
    finished.erase(at);
    return outcome;
  };
  if (auto outcome = take_of(waiting_)) return outcome;
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
    return {Fate::accepted, settle_sent()};
  }
  if (may_be_tried_again(what.status)) {
    put_back();
    sends_at_ = now + wait_to_retry(rules, ++failures_, what.retry_after, chance);
    return {Fate::again, {}, true};
  }
  failures_ = 0;
  if (what.status == 409) {
    const bool names_any = !sent_.empty();
    return {names_any ? Fate::too_late : Fate::not_kept, settle_sent()};
  }
  if (what.status == 413 && !sent_.empty()) return too_large(what);
  return {Fate::refused, settle_sent()};
}

WorkerReports::Tried WorkerReports::too_large(const PostTried& what) {
  if (sent_.size() > 1) {
    most_msgs_ = sent_.size() / 2;
    put_back();
    return {};
  }
  Finished& alone = sent_.front();
  if (std::exchange(alone.is_cut, true)) return {Fate::refused, settle_sent()};
  alone.outcome = RunFailed{"its result was not taken: " + what.why, std::nullopt, true};
  most_msgs_ = 1;
  put_back();
  return {Fate::again, {}, false, true};
}

// In front of what has finished since: the next report says all of it.
void WorkerReports::put_back() {
  waiting_.insert(waiting_.begin(), std::make_move_iterator(sent_.begin()),
                  std::make_move_iterator(sent_.end()));
  sent_.clear();
}

std::vector<Xid> WorkerReports::settle_sent() {
  std::vector<Xid> msgs;
  msgs.reserve(sent_.size());
  for (const Finished& finished : sent_) msgs.push_back(finished.msg);
  sent_.clear();
  return msgs;
}

}  // namespace pena::core
