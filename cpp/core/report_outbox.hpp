// The reports that a client has to bring in: one after the other, each until it is taken or refused
// for good. Pure, as all of the client's machine.
//
//   answer              what follows
//   2xx                 it is taken; the next report begins with the form that was taken
//   400, 413, 415, 422  the next form at once, for a server may know another one only
//   408, 425, 429, 5xx  the same again, after a wait that grows (core/retry)
//   none                the same
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

// To be posted when `after` is over. At most one is under way; one with the same number replaces one
// that still waits. What became of it is told by a ReportTried.
struct SendReport {
  std::uint64_t number = 0;  // of the report: its tries share it
  ReportForm form = ReportForm::whole;
  Reported report;  // in the form `single`: of one id
  Duration after{};
};

// What became of a SendReport.
struct ReportTried {
  Instant sent_at;                      // just before it was sent
  unsigned status = 0;                  // of the answer; 0: none came
  std::optional<std::int64_t> at_ms;    // the server's clock, where it told
  std::optional<Duration> retry_after;  // likewise
  std::string why;                      // for a person, where it was not taken
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

  // What is to be sent now, if anything waits and nothing is under way.
  [[nodiscard]] std::optional<SendReport> next(Instant now);
  // The same without its wait, where it still waits: the client is about to end.
  [[nodiscard]] std::optional<SendReport> hurry(Instant now);

  // That were worked on and whose reports have not been taken.
  [[nodiscard]] std::size_t unanswered_msgs() const;

  enum class Fate { again, taken, refused, told_time };
  struct Outcome {
    Fate fate = Fate::again;
    std::optional<Say> say;
  };
  // Of what is under way. `chance`: any number.
  [[nodiscard]] Outcome tried(const ReportTried& what, std::uint64_t chance);

 private:
  struct Pending {
    std::uint64_t number = 0;
    Reported report;
    bool asks_for_time = false;
    ReportForm form = ReportForm::whole;
    std::size_t next_id = 0;  // in the form `single`
    bool any_taken = false;   // likewise
    unsigned failures = 0;    // in a row
    // That were worked on, and of which the server has not said that it knows.
    [[nodiscard]] std::size_t msgs_left() const { return report.ids.size() - next_id; }
  };
  [[nodiscard]] SendReport what_to_send() const;
  [[nodiscard]] Outcome taken();
  [[nodiscard]] Outcome failed(const ReportTried& what, std::uint64_t chance);
  [[nodiscard]] Outcome refused(const ReportTried& what);
  [[nodiscard]] bool change_form(unsigned status);
  [[nodiscard]] bool go_on_with_next_id();

  RetryRules rules_;
  std::deque<Pending> waiting_;  // the first is the one under way, if any
  ReportForm form_ = ReportForm::whole;
  Duration wait_{};   // before the next try
  Instant sends_at_;  // of the one that is under way
  bool under_way_ = false;
  std::uint64_t next_number_ = 1;
};

}  // namespace pena::core
