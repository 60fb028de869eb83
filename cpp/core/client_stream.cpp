#include "core/client_stream.hpp"

#include <algorithm>

namespace pena::core {
namespace {

constexpr std::chrono::seconds kConnectTime{5};
// Some servers send the head of a stream with its first event only.
constexpr std::chrono::seconds kHeadTime{30};
constexpr std::chrono::seconds kWordTime{5};
constexpr std::chrono::seconds kRefusalTime{5};

std::string none_within(std::string_view what, std::chrono::seconds time) {
  return "no " + std::string{what} + " within " + std::to_string(time.count()) + " s";
}

}  // namespace

void ClientStream::enter(Phase phase, std::optional<Instant> until) {
  phase_ = phase;
  until_ = until;
  word_at_.reset();
}

void ClientStream::want(Instant now, std::optional<Duration> retry_after, std::uint64_t chance) {
  enter(Phase::waits, now + wait_to_retry(rules_, watch_.next_failure(), retry_after, chance));
}

void ClientStream::open(std::uint64_t number, Instant now) {
  enter(Phase::connects, now + kConnectTime);
  number_ = number;
}

Say ClientStream::ended(const StreamClosed& event, Instant now) {
  enter(Phase::none, {});
  return watch_.ended(event.why, event.status, event.is_unreadable, now);
}

void ClientStream::leave() {
  enter(Phase::none, {});
  watch_.left();
}

void ClientStream::on(const StreamAsked& /*event*/, Instant now) {
  enter(Phase::asked, now + kHeadTime);
  word_at_ = now + kWordTime;
}

std::optional<Say> ClientStream::on(const StreamOpened& event, Instant now) {
  enter(Phase::open, {});
  silence_.reset();
  if (event.promises_silence) silence_ = event.timing.silence;
  heard_at_ = now;
  is_stamped_ = false;
  return watch_.opened(now);
}

void ClientStream::on(const StreamRefused& /*event*/, Instant now) {
  enter(Phase::refused, now + kRefusalTime);
}

void ClientStream::heard(Instant now) {
  if (!is_stamped_) heard_at_ = now;
}

void ClientStream::stamped(Instant alive_at) {
  heard_at_ = is_stamped_ ? std::max(heard_at_, alive_at) : alive_at;
  is_stamped_ = true;
}

ClientStream::Due ClientStream::due(Instant now) const {
  const auto next = next_timeout();
  if (!next || now < *next) return Due::nothing;
  switch (phase_) {
    case Phase::waits:
      return Due::opening;
    case Phase::connects:
    case Phase::asked:
      return now >= *until_ ? Due::too_late : Due::word;
    case Phase::refused:
      return Due::enough_refused;
    case Phase::open:
      return Due::silent;
    case Phase::none:
      break;
  }
  return Due::nothing;
}

std::optional<Instant> ClientStream::next_timeout() const {
  if (phase_ == Phase::open && silence_) return heard_at_ + *silence_;
  return word_at_ ? word_at_ : until_;
}

std::optional<Say> ClientStream::word() {
  word_at_.reset();
  return watch_.unanswered(kWordTime, too_late().why);
}

StreamClosed ClientStream::too_late() const {
  return {phase_ == Phase::connects ? none_within("connection", kConnectTime)
                                    : none_within("answer", kHeadTime),
          0,
          {}};
}

}  // namespace pena::core
