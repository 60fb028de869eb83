#include "core/client_logic.hpp"

#include <algorithm>
#include <utility>

#include "core/dice.hpp"
#include "core/one_line.hpp"

namespace pena::core {
namespace {

constexpr Xid kNoBatch{};
constexpr std::uint64_t kMostAskedFor = 1'000'000'000;  // batches; more is any number

}  // namespace

ClientLogic::ClientLogic(const ClientRules& rules)
    : rules_(rules), outbox_(rules.retry), streams_(rules.server), random_(mix(rules.seed)) {}

std::uint32_t ClientLogic::draw_batchsize(std::uint64_t seed) {
  return 2 + static_cast<std::uint32_t>(mix(mix(seed) + 1) % 9);
}

std::uint64_t ClientLogic::dice() {
  random_ += kGoldenRatio;
  return mix(random_);
}

std::vector<ClientAction> ClientLogic::start() {
  has_stream_ = true;
  actions_.emplace_back(OpenStream{Duration::zero(), batches_wanted()});
  return std::exchange(actions_, {});
}

std::vector<ClientAction> ClientLogic::step(const ClientEvent& event, Instant now) {
  if (!ended_) {
    std::visit([&](const auto& happened) { on(happened, now); }, event);
    if (auto send = outbox_.next(now); send && !ended_) actions_.emplace_back(std::move(*send));
    counts_.running = batch_of_msg_.size();
  }
  return std::exchange(actions_, {});
}

void ClientLogic::say(std::optional<Say> line) {
  if (line) actions_.emplace_back(std::move(*line));
}

// ---- the stream

void ClientLogic::on(const StreamOpened& event, Instant now) {
  ++counts_.connects;
  say(streams_.opened(now));
  timing_ = event.timing;
  promises_silence_ = event.promises_silence;
  promises_lease_ = event.promises_lease;
  outbox_.forget_server();
  heard_at_ = now;
  requested_at_ = event.requested_at;
  stamped_ = false;
  anchor_.reset();  // another server may be behind the same address
}

void ClientLogic::on(const StreamHeard& /*event*/, Instant now) {
  if (heard_at_ && !stamped_) heard_at_ = now;
}

void ClientLogic::on(const StreamUnanswered& event, Instant /*now*/) {
  if (!stopping_) say(streams_.unanswered(event.waited, event.why));
}

void ClientLogic::on(const StreamClosed& event, Instant now) {
  has_stream_ = false;
  if (stopping_) return;
  if (!may_be_tried_again(event.status)) {
    return end(
        {ClientEndReason::refused, "the server refused the stream: " + event.why, std::nullopt});
  }
  if (has_reported_all()) {
    heard_at_.reset();  // it had all it asked for, so the server ended the stream
    streams_.left();
    return;
  }
  say(streams_.ended(event.why, event.status, event.is_unreadable, now));
  lose_stream();
  reconnect(event.retry_after);
}

// Without its stream a client does not know whether its batch still is its own.
void ClientLogic::lose_stream() {
  if (heard_at_) ++counts_.stream_losses;
  heard_at_.reset();
  give_up_all();
}

void ClientLogic::reconnect(std::optional<Duration> retry_after) {
  const auto batches = batches_wanted();
  has_stream_ = batches != 0;
  if (!has_stream_) return;  // what it had last is still to be reported
  actions_.emplace_back(OpenStream{
      wait_to_retry(rules_.retry, streams_.next_failure(), retry_after, dice()), batches});
}

// Where a report that was to be the last one was none.
void ClientLogic::reopen_if_wanted() {
  if (!has_stream_ && !stopping_ && !ended_) reconnect();
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
  if (event.at_ms && requested_at_) anchor(*std::exchange(requested_at_, {}), *event.at_ms);
  if (event.at_ms && anchor_ && heard_at_) {
    const Instant alive_at = earliest(*event.at_ms);
    heard_at_ = stamped_ ? std::max(*heard_at_, alive_at) : alive_at;
    stamped_ = true;
  }
  if (!event.batch || !heard_at_ || stopping_ || is_about_to_end()) return;
  BatchWork& work = batch_of(event.batch);
  if (event.size > 0) work.size = event.size;
  if (!event.at_ms || !anchor_ || !(promises_lease_ || event.lease)) return;
  Timing timing = timing_;
  if (event.lease) timing.lease = *event.lease;
  work.stop_at = earliest(*event.at_ms) + timing.client_stop();
}

// Keeps the anchor that puts later grants latest. The server's stamps are cut to whole ms: one more
// makes up for that.
void ClientLogic::anchor(Instant client_at, std::int64_t server_ms) {
  const Anchor fresh{client_at, server_ms + 1};
  if (anchor_) {
    const double passed_us = static_cast<double>(fresh.server_ms - anchor_->server_ms) * 1000.0;
    const Duration shrunk{
        static_cast<Duration::rep>(passed_us * (1.0 - 2.0 * timing_.clock_drift))};
    if (fresh.server_ms < anchor_->server_ms || client_at < anchor_->client_at + shrunk) return;
  }
  anchor_ = fresh;
  renew_at_ = client_at + anchor_age();
}

// By an answer, which may come from a server that is gone, with another clock: the first anchor is the
// stream's own.
void ClientLogic::anchor_again(Instant sent_at, std::optional<std::int64_t> server_ms) {
  if (server_ms && anchor_ && heard_at_) anchor(sent_at, *server_ms);
}

// How old an anchor may be: by then the drift has cost a hundredth of the lease, or a tenth of the
// silence.
Duration ClientLogic::anchor_age() const {
  constexpr double kLeastDrift = 1e-6;
  const double rho = std::max(timing_.clock_drift, kLeastDrift);
  const auto cost =
      static_cast<double>(std::min(timing_.lease / 100, timing_.silence / 10).count());
  return Duration{static_cast<Duration::rep>(cost / (2.0 * rho))};
}

// Where the server's stamp lies on this clock, or before that. A stamp from before the anchor's, such
// as that of a grant whose bytes came late, lies before the anchor.
Instant ClientLogic::earliest(std::int64_t stamped_ms) const {
  const double since_us = static_cast<double>(stamped_ms - anchor_->server_ms) * 1000.0;
  const double drift = since_us < 0.0 ? 2.0 * timing_.clock_drift : -2.0 * timing_.clock_drift;
  return anchor_->client_at + Duration{static_cast<Duration::rep>(since_us * (1.0 + drift))};
}

// ---- work

ClientLogic::BatchWork& ClientLogic::batch_of(const std::optional<Xid>& batch) {
  const auto [at, is_new] = batches_.try_emplace(batch.value_or(kNoBatch));
  if (is_new) {
    at->second.size = rules_.batchsize;
    at->second.report.batch = batch;
  }
  return at->second;
}

void ClientLogic::on(const MsgArrived& event, Instant now) {
  // Bytes that came late may be ahead of a timer that is due: nothing is begun that must be stopped.
  const auto due = next_timeout();
  if (due && now >= *due) on(ClientTimeReached{}, now);
  if (!heard_at_ || stopping_ || is_about_to_end()) return;
  say(streams_.brought_msg());
  if (event.batch && event.batch == given_up_) return;
  ++counts_.received;
  BatchWork& work = batch_of(event.batch);
  ++work.arrived;
  if (batch_of_msg_.size() >= rules_.max_running || batch_of_msg_.contains(event.id)) {
    ++counts_.refused;  // R13
    work.report.refused.push_back(event.id);
  } else if (event.period > rules_.end_above) {
    end({ClientEndReason::period_too_long,
         "the msg " + event.id.text() + " has a period of " + std::to_string(event.period) +
             " ms, above " + std::to_string(rules_.end_above),
         event.id});
    return;
  } else {
    work.running.insert(event.id);
    batch_of_msg_.emplace(event.id, event.batch.value_or(kNoBatch));
    actions_.emplace_back(StartWork{event.id, event.period, event.period > rules_.panic_above});
  }
  report_if_whole(event.batch.value_or(kNoBatch));
}

// SSE clients pass over what they do not know. What a batch has of it is left out of the report, so
// that the rest does not wait for it.
void ClientLogic::on(const StrangeArrived& event, Instant /*now*/) {
  if (counts_.ignored++ == 0) {
    say(Say{LogLevel::warning, "an event that is no msg was passed over, as any other will be: " +
                                   one_line(event.data)});
  }
  const auto at = event.batch ? batches_.find(*event.batch) : batches_.end();
  if (at == batches_.end()) return;
  ++at->second.arrived;
  report_if_whole(*event.batch);
}

void ClientLogic::on(const WorkEnded& event, Instant /*now*/) {
  const auto running = batch_of_msg_.find(event.id);
  if (running == batch_of_msg_.end()) return;
  const Xid key = running->second;
  batch_of_msg_.erase(running);
  BatchWork& work = batches_.at(key);
  work.running.erase(event.id);
  ++(event.panicked ? counts_.panicked : counts_.processed);
  if (!event.panicked || rules_.report_panicked) work.report.ids.push_back(event.id);
  report_if_whole(key);
}

void ClientLogic::on(const WorkStopped& event, Instant /*now*/) {
  const auto running = batch_of_msg_.find(event.id);
  if (running == batch_of_msg_.end()) return;
  const Xid key = running->second;
  batch_of_msg_.erase(running);
  batches_.at(key).running.erase(event.id);
  report_if_whole(key);
}

// R16: all msgs of the batch have come, and all have ended one way or another.
void ClientLogic::report_if_whole(const Xid& key) {
  const BatchWork& work = batches_.at(key);
  if ((work.given_up || work.arrived >= work.size) && work.running.empty()) send_report(key);
}

void ClientLogic::give_up(const Xid& key) {
  BatchWork& work = batches_.at(key);
  if (work.given_up) return;
  work.given_up = true;
  work.stop_at.reset();
  given_up_ = key;
  stop_running(work);
  // A server that names no batches would have its next one under the same key.
  if (!work.report.batch) forget_running(work);
  report_if_whole(key);
}

void ClientLogic::give_up_all() {
  std::vector<Xid> keys;
  for (const auto& [key, work] : batches_) keys.push_back(key);
  for (const Xid& key : keys) give_up(key);
}

void ClientLogic::stop_running(const BatchWork& work) {
  for (const Xid& id : work.running) {
    actions_.emplace_back(StopWork{id});
    ++counts_.stopped;
  }
}

void ClientLogic::forget_running(BatchWork& work) {
  for (const Xid& id : work.running) batch_of_msg_.erase(id);
  work.running.clear();
}

void ClientLogic::send_report(const Xid& key) {
  BatchWork work = batches_.extract(key).mapped();
  if (!outbox_.can_say(work.report)) return reopen_if_wanted();
  ++reports_open_;
  ++batches_reported_;
  outbox_.add(std::move(work.report));
}

// ---- reports

bool ClientLogic::has_reported_all() const {
  return rules_.max_batches && batches_reported_ >= *rules_.max_batches;
}

// The server may send the next batch before the answer to the last report.
bool ClientLogic::is_about_to_end() const {
  return has_reported_all() && reports_open_ > 0;
}

void ClientLogic::on(const ReportTried& event, Instant now) {
  auto [fate, line] = outbox_.tried(event, dice());
  say(std::move(line));
  switch (fate) {
    case ReportOutbox::Fate::again:
      return;
    case ReportOutbox::Fate::told_time:
      return anchor_again(event.sent_at, event.at_ms);
    case ReportOutbox::Fate::taken:
      return report_taken(event, now);
    case ReportOutbox::Fate::refused:
      --batches_reported_;
      settle_one_report();
      return reopen_if_wanted();
  }
}

void ClientLogic::report_taken(const ReportTried& event, Instant now) {
  ++counts_.batches;
  anchor_again(event.sent_at, event.at_ms);
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
  if (stopping_ && reports_open_ == 0 && batches_.empty()) end(*stopping_);
}

// ---- the end

void ClientLogic::on(const StopAsked& /*event*/, Instant now) {
  if (!stopping_) begin_stop(ClientEndReason::stopped, "it was asked to stop", now);
  end_if_settled();
}

void ClientLogic::begin_stop(ClientEndReason reason, std::string text, Instant now) {
  stopping_ = EndClient{reason, std::move(text), std::nullopt};
  stop_by_ = now + rules_.stop_patience;
  give_up_all();
  heard_at_.reset();
  actions_.emplace_back(CloseOwnStream{});
  if (auto send = outbox_.hurry(now)) actions_.emplace_back(std::move(*send));
}

void ClientLogic::end(EndClient end) {
  ended_ = true;
  for (const auto& [key, work] : batches_) {
    if (!work.given_up) stop_running(work);
  }
  batches_.clear();
  batch_of_msg_.clear();
  heard_at_.reset();
  actions_.emplace_back(CloseOwnStream{});
  if (const std::size_t msgs = outbox_.unanswered_msgs(); msgs > 0) {
    say(Say{LogLevel::warning, "the reports of " + std::to_string(msgs) +
                                   " msgs were not answered in time, so the server may send them "
                                   "again"});
  }
  actions_.emplace_back(std::move(end));
}

// ---- time

void ClientLogic::on(const ClientTimeReached& /*event*/, Instant now) {
  if (stopping_) {
    if (now >= stop_by_) end(*stopping_);
    return;
  }
  if (heard_at_ && promises_silence_ && now >= *heard_at_ + timing_.silence) {
    actions_.emplace_back(CloseOwnStream{});
    streams_.left();
    lose_stream();
    reconnect();
    return;
  }
  if (heard_at_ && anchor_ && now >= renew_at_) {
    renew_at_ = now + anchor_age();
    outbox_.ask_for_time();
  }
  std::vector<Xid> over;
  for (const auto& [key, work] : batches_) {
    if (work.stop_at && now >= *work.stop_at) over.push_back(key);
  }
  for (const Xid& key : over) give_up(key);
}

std::optional<Instant> ClientLogic::next_timeout() const {
  if (ended_) return std::nullopt;
  if (stopping_) return stop_by_;
  std::optional<Instant> next;
  if (heard_at_ && promises_silence_) next = *heard_at_ + timing_.silence;
  if (heard_at_ && anchor_ && (!next || renew_at_ < *next)) next = renew_at_;
  for (const auto& [key, work] : batches_) {
    if (work.stop_at && (!next || *work.stop_at < *next)) next = work.stop_at;
  }
  return next;
}

}  // namespace pena::core
