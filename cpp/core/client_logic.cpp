#include "core/client_logic.hpp"

#include <algorithm>
#include <utility>

#include "core/dice.hpp"
#include "core/number_text.hpp"
#include "core/one_line.hpp"
#include "core/sooner.hpp"

namespace pena::core {
namespace {

constexpr std::uint64_t kMostAskedFor = 1'000'000'000;  // batches; more is any number

}  // namespace

ClientLogic::ClientLogic(const ClientRules& rules)
    : rules_(rules),
      stream_(rules.retry, rules.server),
      batches_(rules),
      outbox_(rules.retry),
      random_(mix(rules.seed)) {}

std::uint32_t ClientLogic::draw_batchsize(std::uint64_t seed) {
  return 2 + static_cast<std::uint32_t>(mix(mix(seed) + 1) % 9);
}

std::uint64_t ClientLogic::dice() {
  random_ += kGoldenRatio;
  return mix(random_);
}

std::vector<ClientAction> ClientLogic::start(Instant now) {
  open_stream(now);
  return std::exchange(out_.actions, {});
}

template <class Event>
std::vector<ClientAction> ClientLogic::step_with(const Event& event, Instant now) {
  std::visit([&](const auto& happened) { on(happened, now); }, event);
  if (auto send = outbox_.next(now); send && !ended_) out_.act(std::move(*send));
  out_.counts.running = batches_.running();
  return std::exchange(out_.actions, {});
}

std::vector<ClientAction> ClientLogic::step(const ClientEvent& event, Instant now) {
  if (ended_) return {};
  return step_with(event, now);
}

std::vector<ClientAction> ClientLogic::step(std::uint64_t stream, const StreamEvent& event,
                                            Instant now) {
  if (ended_ || !stream_.is(stream)) return {};
  return step_with(event, now);
}

// ---- the stream

void ClientLogic::open_stream(Instant now) {
  stream_.open(++streams_opened_, now);
  out_.act(OpenStream{streams_opened_, batches_wanted()});
}

void ClientLogic::on(const StreamOpened& event, Instant now) {
  ++out_.counts.connects;
  out_.say(stream_.on(event, now));
  timing_ = event.timing;
  promises_lease_ = event.promises_lease;
  outbox_.forget_server();
  clock_.begin(event.requested_at, event.timing);
}

void ClientLogic::on(const StreamHeard& /*event*/, Instant now) {
  if (stream_.is_open()) stream_.heard(now);
}

void ClientLogic::on(const StreamClosed& event, Instant now) {
  if (!may_be_tried_again(event.status)) {
    return end(
        {ClientEndReason::refused, "the server refused the stream: " + event.why, std::nullopt});
  }
  // It had all it asked for, so the server ended the stream.
  if (has_reported_all()) return stream_.leave();
  lose_stream(now);
  out_.say(stream_.ended(event, now));
  reconnect(now, event.retry_after);
}

// Without its stream a client does not know whether its batch still is its own. To be called while the
// stream still is the client's, so that no other is asked for on the way.
void ClientLogic::lose_stream(Instant now) {
  if (stream_.is_open() && !stopping_) ++out_.counts.stream_losses;
  batches_.give_up_all(out_);
  send_reports(now);
}

void ClientLogic::reconnect(Instant now, std::optional<Duration> retry_after) {
  // Where none is wanted, what it had last is still to be reported.
  if (batches_wanted() != 0) stream_.want(now, retry_after, dice());
}

// Where a report that was to be the last one was none.
void ClientLogic::reopen_if_wanted(Instant now) {
  if (!stream_.is_wanted() && !stopping_ && !ended_) reconnect(now);
}

// Those that are in work are reported in any case.
std::optional<std::uint64_t> ClientLogic::batches_wanted() const {
  if (!rules_.max_batches) return std::nullopt;
  const std::uint64_t had = batches_reported_ + batches_.size();
  const std::uint64_t left = *rules_.max_batches - std::min(*rules_.max_batches, had);
  if (left > kMostAskedFor) return std::nullopt;
  return left;
}

void ClientLogic::on(const NoteArrived& event, Instant /*now*/) {
  if (!stream_.is_open()) return;
  if (event.at_ms) {
    clock_.stamped(*event.at_ms);
    stream_.stamped(clock_.earliest(*event.at_ms));
  }
  if (!event.batch || !wants_work()) return;
  std::optional<Instant> stop_at;
  if (event.at_ms && (promises_lease_ || event.lease)) {
    Timing timing = timing_;
    timing.lease = event.lease.value_or(timing.lease);
    stop_at = clock_.earliest(*event.at_ms) + timing.client_stop();
  }
  batches_.begin(*event.batch, event.size, stop_at);
}

// ---- work

bool ClientLogic::wants_work() const {
  return stream_.is_open() && !stopping_ && !is_about_to_end();
}

void ClientLogic::on(const MsgArrived& event, Instant now) {
  // Bytes that came late may be ahead of a timer that is due: nothing is begun that must be stopped.
  const auto due = next_timeout();
  if (due && now >= *due) on(ClientTimeReached{}, now);
  if (!wants_work()) return;
  out_.say(stream_.brought_msg());
  if (!batches_.add(event, out_)) {
    return end({ClientEndReason::period_too_long,
                "the msg " + event.id.text() + " has a period of " + std::to_string(event.period) +
                    " ms, above " + std::to_string(rules_.end_above),
                event.id});
  }
  send_reports(now);
}

// SSE clients pass over what they do not know.
void ClientLogic::on(const StrangeArrived& event, Instant now) {
  if (out_.counts.ignored++ == 0) {
    out_.say(Say{
        LogLevel::warning,
        "an event that is no msg was passed over, as any other will be: " + one_line(event.data)});
  }
  batches_.pass_over(event.batch);
  send_reports(now);
}

void ClientLogic::on(const WorkEnded& event, Instant now) {
  batches_.ended(event, out_);
  send_reports(now);
}

void ClientLogic::on(const WorkStopped& event, Instant now) {
  batches_.stopped(event);
  send_reports(now);
}

// ---- reports

void ClientLogic::send_reports(Instant now) {
  for (Reported& report : batches_.hand_over_whole()) {
    if (!outbox_.can_say(report)) {
      reopen_if_wanted(now);
      continue;
    }
    ++reports_open_;
    ++batches_reported_;
    outbox_.add(std::move(report));
  }
}

bool ClientLogic::has_reported_all() const {
  return rules_.max_batches && batches_reported_ >= *rules_.max_batches;
}

// The server may send the next batch before the answer to the last report.
bool ClientLogic::is_about_to_end() const {
  return has_reported_all() && reports_open_ > 0;
}

void ClientLogic::on(const ReportTried& event, Instant now) {
  if (outbox_.is_under_way(event.number)) settle(outbox_.tried(event, now, dice()), event, now);
}

void ClientLogic::settle(ReportOutbox::Outcome outcome, const ReportTried& report, Instant now) {
  out_.say(std::move(outcome.say));
  switch (outcome.fate) {
    case ReportOutbox::Fate::again:
      return;
    case ReportOutbox::Fate::told_time:
      return renew_anchor(report);
    case ReportOutbox::Fate::accepted:
      return report_accepted(report, now);
    case ReportOutbox::Fate::refused:
      --batches_reported_;
      settle_one_report();
      return reopen_if_wanted(now);
  }
}

void ClientLogic::renew_anchor(const ReportTried& report) {
  if (report.at_ms && stream_.is_open()) clock_.answered(report.sent_at, *report.at_ms);
}

void ClientLogic::report_accepted(const ReportTried& report, Instant now) {
  ++out_.counts.batches;
  renew_anchor(report);
  if (has_reported_all() && !stopping_) {
    begin_stop(ClientEndReason::batches_done,
               std::to_string(*rules_.max_batches) + " batches were reported", now);
  }
  settle_one_report();
}

void ClientLogic::settle_one_report() {
  if (reports_open_ > 0) --reports_open_;
  end_if_settled();
}

void ClientLogic::end_if_settled() {
  if (stopping_ && reports_open_ == 0 && batches_.size() == 0) end(*stopping_);
}

// ---- the end

void ClientLogic::on(const StopAsked& /*event*/, Instant now) {
  if (!stopping_) begin_stop(ClientEndReason::stopped, "it was asked to stop", now);
  end_if_settled();
}

void ClientLogic::begin_stop(ClientEndReason reason, std::string text, Instant now) {
  stopping_ = EndClient{reason, std::move(text), std::nullopt};
  stop_by_ = now + rules_.stop_patience;
  lose_stream(now);
  stream_.leave();
  out_.act(CloseOwnStream{});
  outbox_.hurry();
}

void ClientLogic::end(EndClient end) {
  ended_ = true;
  batches_.drop_all(out_);
  stream_.leave();
  out_.act(CloseOwnStream{});
  if (const std::size_t msgs = outbox_.unanswered_msgs(); msgs > 0) {
    out_.say(Say{LogLevel::warning, "the reports of " + msgs_text(msgs) +
                                        " were not answered in time, so the server may send "
                                        "them again"});
  }
  out_.act(std::move(end));
}

// ---- time

void ClientLogic::on(const ClientTimeReached& /*event*/, Instant now) {
  if (stopping_ && now >= stop_by_) return end(*stopping_);
  look_at_stream(now);
  if (stream_.is_open() && clock_.renew_at() && now >= *clock_.renew_at()) {
    clock_.asked_for_time(now);
    outbox_.ask_for_time();
  }
  batches_.give_up_due(now, out_);
  send_reports(now);
  if (outbox_.is_late(now)) {
    out_.act(AbandonReport{});
    out_.say(outbox_.abandoned(now, dice()));
  }
}

void ClientLogic::look_at_stream(Instant now) {
  switch (stream_.due(now)) {
    case ClientStream::Due::nothing:
      return;
    case ClientStream::Due::opening:
      return open_stream(now);
    case ClientStream::Due::word:
      return out_.say(stream_.word());
    case ClientStream::Due::too_late:
      out_.act(CloseOwnStream{});
      return on(stream_.too_late(), now);
    case ClientStream::Due::enough_refused:
      stream_.enough_refused();
      return out_.act(CloseOwnStream{});
    case ClientStream::Due::silent:
      out_.act(CloseOwnStream{});
      lose_stream(now);
      stream_.leave();
      return reconnect(now);
  }
}

std::optional<Instant> ClientLogic::next_timeout() const {
  if (ended_) return std::nullopt;
  std::optional<Instant> next = sooner(outbox_.next_timeout(), batches_.next_timeout());
  if (stopping_) next = sooner(next, stop_by_);
  if (stream_.is_open()) next = sooner(next, clock_.renew_at());
  return sooner(next, stream_.next_timeout());
}

}  // namespace pena::core
