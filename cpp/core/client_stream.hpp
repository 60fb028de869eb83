// The stream that a client has or is about to have: how far it is, and how long that may take. Pure.
//
//   phase       ends with              or is given up
//   none        it is wanted
//   waits       its wait is over
//   connects    StreamAsked            after 5 s
//   asked       the head of an answer  after 30 s; that none comes is said after 5 s
//   refused     StreamClosed           after 5 s: what has come by then is told by the StreamClosed
//   open        StreamClosed           when it was silent for too long
//
// Each that is opened has a number, so that what an older one still says can be told from it.
//
// When must a client take its stream as lost? Once the server may have: the server's drop grace begins
// no earlier than the last stamp that it wrote. So the silence counts from where the last stamp lies on
// the client's clock, not from when its bytes came: what a proxy held back proves nothing. A server
// that promises no silence is held to none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/client_event.hpp"
#include "core/instant.hpp"
#include "core/retry.hpp"
#include "core/say.hpp"
#include "core/stream_watch.hpp"

namespace pena::core {

class ClientStream {
 public:
  // `server`: as it is named in what is said.
  ClientStream(const RetryRules& rules, std::string server)
      : rules_(rules), watch_(std::move(server)) {}

  // One is opened, or to be.
  [[nodiscard]] bool is_wanted() const { return phase_ != Phase::none; }
  [[nodiscard]] bool is_open() const { return phase_ == Phase::open; }
  // Its request has left, and it is not open.
  [[nodiscard]] bool has_sent() const { return phase_ == Phase::asked || phase_ == Phase::refused; }
  // Whether it is the one with that number.
  [[nodiscard]] bool is(std::uint64_t stream) const { return has_asked() && stream == number_; }

  // One is to be opened, after the wait that is due behind those that failed, on top of what the
  // server asked for. `chance`: any number.
  void want(Instant now, std::optional<Duration> retry_after, std::uint64_t chance);
  // It is opened now, with a number that none before it had.
  void open(std::uint64_t number, Instant now);
  // It has ended, or could not be opened. Returns what that is worth to say.
  [[nodiscard]] Say ended(const StreamClosed& event, Instant now);
  // It was given up here, or has ended and is not missed.
  void leave();

  void on(const StreamAsked& event, Instant now);
  [[nodiscard]] std::optional<Say> on(const StreamOpened& event, Instant now);
  void on(const StreamRefused& event, Instant now);
  void heard(Instant now);
  // A stamp was written by the server then, on this clock, or after it.
  void stamped(Instant alive_at);
  [[nodiscard]] std::optional<Say> brought_msg() { return watch_.brought_msg(); }

  enum class Due { nothing, opening, word, too_late, enough_refused, silent };
  [[nodiscard]] Due due(Instant now) const;
  // When something is due.
  [[nodiscard]] std::optional<Instant> next_timeout() const;
  // Of the Due that have their name.
  [[nodiscard]] std::optional<Say> word();
  [[nodiscard]] StreamClosed too_late() const;
  void enough_refused() { until_.reset(); }

 private:
  enum class Phase : std::uint8_t { none, waits, connects, asked, refused, open };
  [[nodiscard]] bool has_asked() const { return phase_ >= Phase::connects; }
  void enter(Phase phase, std::optional<Instant> until);

  RetryRules rules_;
  StreamWatch watch_;  // which lines of the log it is worth, and how many failed
  std::uint64_t number_ = 0;
  Phase phase_ = Phase::none;
  std::optional<Instant> until_;     // the phase may last, but for that of an open stream
  std::optional<Instant> word_at_;   // that no answer comes
  std::optional<Duration> silence_;  // as long as it may be silent
  Instant heard_at_;                 // while it is open: silence counts from it
  bool is_stamped_ = false;          // it carries stamps
};

}  // namespace pena::core
