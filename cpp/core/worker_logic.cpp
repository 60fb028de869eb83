#include "core/worker_logic.hpp"

#include <algorithm>
#include <utility>

#include "core/dice.hpp"
#include "core/number_text.hpp"
#include "core/one_line.hpp"
#include "core/sooner.hpp"

namespace pena::core {
namespace {

// Two looks, for a msg may go from one count to another while they are read.
constexpr unsigned kEmptyLooks = 2;
constexpr std::chrono::milliseconds kFirstAsk{20};
constexpr std::chrono::milliseconds kLongestAsk{500};
// Of many slots some may be idle for a moment, for each stream is a connection: an eighth of them.
constexpr std::size_t kSteps = 8;

}  // namespace

WorkerLogic::WorkerLogic(const WorkerRules& rules)
    : rules_(rules), streams_(rules), batches_(rules), random_(mix(rules.seed)) {}

std::uint64_t WorkerLogic::dice() {
  random_ += kGoldenRatio;
  return mix(random_);
}

// ---- one step

std::vector<WorkerAction> WorkerLogic::start(Instant now) {
  return take_actions(now);
}

std::vector<WorkerAction> WorkerLogic::step(const WorkerEvent& event, Instant now) {
  if (ended_) return {};
  std::visit([&](const auto& happened) { on(happened, now); }, event);
  return take_actions(now);
}

std::vector<WorkerAction> WorkerLogic::step(std::uint64_t stream, const StreamEvent& event,
                                            Instant now) {
  if (ended_ || !streams_.has(stream)) return {};
  std::visit([&](const auto& happened) { on(stream, happened, now); }, event);
  return take_actions(now);
}

std::vector<WorkerAction> WorkerLogic::take_actions(Instant now) {
  if (!ended_) go_on(now);
  out_.counts.running = batches_.running();
  return std::exchange(out_.actions, {});
}

// What follows from how it stands, whatever has happened.
void WorkerLogic::go_on(Instant now) {
  for (const auto& [stream, heard] : batches_.take_freed()) streams_.settled(stream, heard);
  send_reports(now);
  look_for_empty(now);
  send_leaves(now);
  const auto least = (std::size_t{rules_.slots} + kSteps - 1) / kSteps;
  streams_.fill(room(), std::min<std::size_t>(least, msgs_left().value_or(least)), now, out_);
  look_for_end(now);
}

std::optional<std::uint64_t> WorkerLogic::msgs_left() const {
  if (!rules_.max_msgs) return std::nullopt;
  return *rules_.max_msgs - std::min(*rules_.max_msgs, out_.counts.begun);
}

std::size_t WorkerLogic::room() const {
  const std::size_t to_come = batches_.to_come();
  const auto beyond = [](std::uint64_t msgs, std::uint64_t taken) {
    return static_cast<std::size_t>(msgs - std::min(msgs, taken));
  };
  const std::size_t idle = beyond(rules_.slots, batches_.running() + to_come);
  const auto left = msgs_left();
  return left ? std::min(idle, beyond(*left, to_come)) : idle;
}

// ---- the streams

void WorkerLogic::on(std::uint64_t stream, const StreamAsked& event, Instant now) {
  streams_.on(stream, event, now);
}

void WorkerLogic::on(std::uint64_t stream, const StreamOpened& event, Instant now) {
  streams_.on(stream, event, now, out_);
}

void WorkerLogic::on(std::uint64_t stream, const StreamRefused& event, Instant now) {
  streams_.on(stream, event, now);
}

void WorkerLogic::on(std::uint64_t stream, const StreamHeard& /*event*/, Instant now) {
  streams_.heard(stream, now);
}

void WorkerLogic::on(std::uint64_t stream, const NoteArrived& event, Instant now) {
  if (const auto begun = streams_.noted(stream, event, now)) batches_.begin(*begun, out_);
}

void WorkerLogic::on(std::uint64_t stream, const MsgArrived& event, Instant now) {
  // Bytes that came late may be ahead of a timer that is due: what is lost by now is not begun.
  const auto due = next_timeout();
  if (due && now >= *due) look_at_time(now);
  if (ended_ || !streams_.has(stream)) return;
  streams_.brought_msg(stream, out_);
  if (!batches_.add(event, now, out_)) on(stream, StrangeArrived{event.data, event.batch}, now);
}

void WorkerLogic::on(std::uint64_t /*stream*/, const StrangeArrived& event, Instant /*now*/) {
  if (out_.counts.ignored++ == 0) {
    out_.say(LogLevel::warning, "an event that is no msg was passed over, as any other will be: " +
                                    one_line(event.data));
  }
  if (event.batch) batches_.pass_over(*event.batch);
}

void WorkerLogic::on(std::uint64_t stream, const StreamClosed& event, Instant now) {
  // What it works on is finished all the same.
  if (!may_be_tried_again(event.status)) {
    begin_stop(WorkerEndReason::refused, "the server refused the stream: " + event.why);
    if (!streams_.has(stream)) return;
  }
  lose(streams_.closed(stream, event, now, dice(), out_));
}

void WorkerLogic::lose(const std::optional<Xid>& batch) {
  if (batch) batches_.lose(*batch, out_);
}

// ---- work and its reports

void WorkerLogic::on(const RunEnded& event, Instant /*now*/) {
  batches_.ended(event, out_);
}

void WorkerLogic::send_reports(Instant now) {
  while (auto sent = batches_.send_next(last_post_ + 1, now)) {
    ++last_post_;
    const bool is_last = sent->ends && sent->stream != 0 && !streams_.keeps(sent->stream, room());
    sent->report.last = is_last;
    out_.act(PostReport{last_post_, std::move(sent->report)});
  }
  ask_for_time(now);
}

void WorkerLogic::ask_for_time(Instant now) {
  const auto stream = streams_.wants_time(now);
  if (!stream) return;
  posts_.emplace(++last_post_, Post{*stream, false, now + kAnswerTime});
  out_.act(PostReport{last_post_, {}});
}

void WorkerLogic::on(const PostTried& event, Instant now) {
  const auto at = posts_.find(event.number);
  if (at == posts_.end()) return report_tried(event, now);
  const Post post = at->second;
  posts_.erase(at);
  if (post.leaves) return leave_tried(post.stream, event, now);
  streams_.told_time(post.stream, event);
}

void WorkerLogic::report_tried(const PostTried& event, Instant now) {
  const auto tried = batches_.tried(event, now, dice(), out_);
  if (!tried) return;
  say_trouble(tried->failed, event);
  if (tried->accepted) streams_.told_time(tried->stream, event);
}

void WorkerLogic::say_trouble(bool failed, const PostTried& event) {
  if (failed == in_trouble_) return;
  in_trouble_ = failed;
  if (failed) {
    out_.say(LogLevel::warning, "a report was not taken, so it is sent again: " + event.why);
  } else {
    out_.say(LogLevel::info, "the server takes reports again");
  }
}

// ---- the end

void WorkerLogic::on(const WorkerStopAsked& /*event*/, Instant now) {
  if (!std::exchange(was_asked_to_stop_, true)) {
    const std::size_t msgs = batches_.running();
    out_.say(LogLevel::info,
             "it was asked to stop" +
                 (msgs == 0 ? ""
                            : "; " + msgs_text(msgs) + " that " + (msgs == 1 ? "is" : "are") +
                                  " worked on will be finished"));
    return begin_stop(WorkerEndReason::stopped, "it was asked to stop");
  }
  if (std::exchange(gives_back_, true)) return;
  const Instant last = batches_.give_back_all(now, out_);
  batches_.hurry();
  stop_by_ = last + rules_.hurry_patience;
}

void WorkerLogic::begin_stop(WorkerEndReason reason, std::string text) {
  if (stopping_) return;
  stopping_ = EndWorker{reason, std::move(text)};
  ask_at_.reset();
  streams_.stop(out_);
  batches_.hurry();
}

// A free stream is not closed just so: a batch that is on its way would be lost, which would cost its msgs
// an attempt.
void WorkerLogic::send_leaves(Instant now) {
  for (const std::uint64_t stream : streams_.to_leave(now)) {
    const auto client = streams_.client(stream);
    if (!client) {
      streams_.cannot_leave(stream, out_);
      continue;
    }
    streams_.leaves(stream);
    posts_.emplace(++last_post_, Post{stream, true, now + kAnswerTime});
    out_.act(PostLeave{last_post_, *client});
  }
}

void WorkerLogic::leave_tried(std::uint64_t stream, const PostTried& event, Instant now) {
  if (event.status >= 200 && event.status < 300) return;
  if (may_be_tried_again(event.status)) {
    streams_.leave_failed(stream, event, now, dice());
  } else {
    streams_.cannot_leave(stream, out_);  // an old server, or one that does not know the client
  }
}

void WorkerLogic::look_for_end(Instant now) {
  if (ended_) return;
  if (!stopping_) {
    if (msgs_left() != 0 || !batches_.is_idle()) return;
    begin_stop(WorkerEndReason::msgs_done,
               "it has worked on " + msgs_text(out_.counts.begun) + ", as many as it was to");
    send_leaves(now);
  }
  if (batches_.is_working() && !gives_back_) {
    stop_by_.reset();
  } else if (batches_.is_idle() && streams_.empty()) {
    end(*stopping_);
  } else if (!stop_by_) {
    stop_by_ = now + rules_.stop_patience;
  }
}

void WorkerLogic::end(EndWorker end) {
  ended_ = true;
  streams_.hang_up_all(out_);
  for (const std::uint64_t post : batches_.posts()) out_.act(AbandonPost{post});
  for (const auto& [post, what] : posts_) out_.act(AbandonPost{post});
  if (const std::size_t msgs = batches_.unreported(); msgs > 0) {
    out_.say(LogLevel::warning,
             "the reports of " + msgs_text(msgs) +
                 " were not answered in time, so the server may send them again");
  }
  out_.act(std::move(end));
}

// ---- until its queues are empty

void WorkerLogic::look_for_empty(Instant now) {
  if (!rules_.until_empty || stopping_ || ended_) return;
  if (!batches_.is_idle()) {
    ask_at_.reset();
    empty_looks_ = 0;
    is_stale_ = asked_.has_value();
    return;
  }
  if (asked_) return;
  if (!ask_at_) {
    ask_wait_ = kFirstAsk;
    ask_at_ = now + ask_wait_;
  }
  if (now < *ask_at_) return;
  asked_ = ++last_post_;
  counts_by_ = now + kAnswerTime;
  ask_wait_ = std::min<Duration>(2 * ask_wait_, kLongestAsk);
  out_.act(AskCounts{last_post_});
}

void WorkerLogic::on(const CountsTold& event, Instant now) {
  if (!std::exchange(asked_, {}).has_value()) return;  // it was abandoned
  if (std::exchange(is_stale_, false) || !ask_at_) return;
  empty_looks_ = event.left == 0 ? empty_looks_ + 1 : 0;
  if (empty_looks_ > 0) ask_wait_ = kFirstAsk;
  ask_at_ = now + ask_wait_;
  if (empty_looks_ < kEmptyLooks) return;
  begin_stop(WorkerEndReason::empty, "its queues are empty");
}

// ---- time

void WorkerLogic::on(const WorkerTimeReached& /*event*/, Instant now) {
  look_at_time(now);
}

void WorkerLogic::look_at_time(Instant now) {
  if (stop_by_ && now >= *stop_by_) return end(*stopping_);
  for (const Xid& batch : streams_.look_at_time(room(), now, dice(), out_)) lose(batch);
  batches_.look_at_time(now, out_);
  abandon_late(now);
}

void WorkerLogic::abandon_late(Instant now) {
  PostTried none;
  none.why = "no answer in time";
  if (asked_ && now >= counts_by_) {
    out_.act(AbandonPost{*asked_});
    on(CountsTold{}, now);
  }
  std::vector<std::uint64_t> late = batches_.late_posts(now);
  for (const auto& [number, post] : posts_) {
    if (now >= post.answer_by) late.push_back(number);
  }
  for (const std::uint64_t number : late) {
    out_.act(AbandonPost{number});
    none.number = number;
    on(none, now);
  }
}

std::optional<Instant> WorkerLogic::next_timeout() const {
  if (ended_) return std::nullopt;
  std::optional<Instant> next = batches_.next_timeout();
  next = sooner(next, streams_.next_timeout());
  next = sooner(next, stop_by_);
  if (asked_) next = sooner(next, counts_by_);
  if (!asked_ && batches_.is_idle()) next = sooner(next, ask_at_);
  for (const auto& [number, post] : posts_) next = sooner(next, post.answer_by);
  return next;
}

}  // namespace pena::core
