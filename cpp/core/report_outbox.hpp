// The reports that a client has to bring in: one after the other, each until it is accepted or
// refused for good. Pure, as all of the client's machine.
//
//   answer              what follows
//   2xx                 it is accepted; the next report begins with the form that was accepted
//   400, 413, 415, 422  the next form at once, for a server may know another one only
//   408, 425, 429, 5xx  the same again, after a wait that grows (core/retry)
//   none in 10 s        the same; one that comes later is not listened to
//   any other           it is refused for good: given up, and the client goes on
//
// The forms, of which the first says most: with the batch and all that was refused; an object with
// ids; an array of ids; one id by itself, one after the other. Only the first is sure to settle
// nothing but its batch, so no other is tried where a server does not ask for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "core/event.hpp"
#include "core/instant.hpp"
#include "core/retry.hpp"
#include "core/say.hpp"

namespace pena::core {

enum class ReportForm : std::uint8_t {
  whole,   // {"ids":[…],"batch":"…","refused":[…]}
  object,  // {"ids":[…]}
  array,   // […]
  single,  // "…"
};

// To be posted now. One is under way at a time. What became of it is told by a ReportTried.
struct SendReport {
  std::uint64_t number = 0;  // of this try
  ReportForm form = ReportForm::whole;
  Reported report;  // in the form `single`: of one id
};

// What became of a SendReport.
struct ReportTried {
  std::uint64_t number = 0;             // the SendReport's
  Instant sent_at;                      // just before it was sent
  unsigned status = 0;                  // of the answer; 0: none came
  std::optional<std::int64_t> at_ms;    // the server's clock, where it told
  std::optional<Duration> retry_after;  // likewise
  std::string why;                      // for a person, where it was not accepted
};

class ReportOutbox {
 public:
  explicit ReportOutbox(const RetryRules& rules) : rules_(rules) {}

  // False where the form that the server takes cannot say it: it gives msgs up, and names none that
  // is done.
  [[nodiscard]] bool can_say(const Reported& report) const;
  void add(Reported report);
  // An empty report, for the clock in its answer. Nothing where one waits already.
  void ask_for_time();
  // Another server may be behind the same address: reports begin with the first form again.
  void forget_server() { form_ = ReportForm::whole; }

  // What is to be sent now: where something waits whose time has come, and nothing is under way.
  [[nodiscard]] std::optional<SendReport> next(Instant now);
  // No wait before the next: the client is about to end.
  void hurry() { sends_at_.reset(); }
  // When something is to be sent, or has not been answered in time.
  [[nodiscard]] std::optional<Instant> next_timeout() const;

  // That were worked on and whose reports have not been accepted.
  [[nodiscard]] std::size_t unanswered_msgs() const;

  enum class Fate { again, accepted, refused, told_time };
  struct Outcome {
    Fate fate = Fate::again;
    std::optional<Say> say;
  };
  // Whether that is the try which is under way.
  [[nodiscard]] bool is_under_way(std::uint64_t number) const {
    return answer_by_.has_value() && number == number_;
  }
  // Of the try that is under way. `chance`: any number.
  [[nodiscard]] Outcome tried(const ReportTried& what, Instant now, std::uint64_t chance);
  [[nodiscard]] bool is_late(Instant now) const { return answer_by_ && now >= *answer_by_; }
  // It is, so it is waited for no longer. Returns what that is worth to say.
  [[nodiscard]] std::optional<Say> abandoned(Instant now, std::uint64_t chance);

 private:
  struct Pending {
    Reported report;
    bool asks_for_time = false;
    ReportForm form = ReportForm::whole;
    std::size_t next_id = 0;    // in the form `single`
    bool any_accepted = false;  // likewise
    unsigned failures = 0;      // in a row
    // That were worked on, and of which the server has not said that it knows.
    [[nodiscard]] std::size_t msgs_left() const { return report.ids.size() - next_id; }
  };
  [[nodiscard]] SendReport what_to_send() const;
  [[nodiscard]] Outcome accepted();
  [[nodiscard]] Outcome failed(const ReportTried& what, Instant now, std::uint64_t chance);
  [[nodiscard]] Outcome refused(const ReportTried& what);
  [[nodiscard]] bool change_form(unsigned status);
  [[nodiscard]] bool go_on_with_next_id();

  RetryRules rules_;
  std::deque<Pending> waiting_;  // the first is the one under way, if any
  ReportForm form_ = ReportForm::whole;
  std::optional<Instant> sends_at_;   // not before: the wait behind a failure
  std::optional<Instant> answer_by_;  // of the try that is under way
  std::uint64_t number_ = 0;          // of the last try
};

}  // namespace pena::core
