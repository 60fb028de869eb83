#include "core/report_outbox.hpp"

#include <utility>

#include "core/check.hpp"
#include "core/number_text.hpp"

namespace pena::core {
namespace {

// An answer that speaks of the body's form, and not of the client or the moment.
bool is_about_the_form(unsigned status) {
  return status == 400 || status == 413 || status == 415 || status == 422;
}

std::string_view description(ReportForm form) {
  switch (form) {
    case ReportForm::whole:
      return "with their batch";
    case ReportForm::object:
      return "as an object with ids only";
    case ReportForm::array:
      return "as an array of ids only";
    case ReportForm::single:
      break;
  }
  return "as one id after the other only";
}

bool same_in_either(const Reported& report) {
  return !report.batch && report.refused.empty() && report.failed.empty() && !report.partial;
}

}  // namespace

bool ReportOutbox::can_say(const Reported& report) const {
  return form_ == ReportForm::whole ? report.batch || !report.ids.empty() || !report.refused.empty()
                                    : !report.ids.empty();
}

void ReportOutbox::add(Reported report) {
  waiting_.push_back({std::move(report), false, form_});
}

void ReportOutbox::ask_for_time() {
  for (const Pending& pending : waiting_) {
    if (pending.asks_for_time) return;
  }
  waiting_.push_back({{}, true});
}

std::optional<SendReport> ReportOutbox::next(Instant now) {
  if (answer_by_ || waiting_.empty() || (sends_at_ && now < *sends_at_)) return std::nullopt;
  sends_at_.reset();
  answer_by_ = now + kAnswerTime;
  ++number_;
  return what_to_send();
}

std::optional<Instant> ReportOutbox::next_timeout() const {
  return answer_by_ ? answer_by_ : sends_at_;
}

std::size_t ReportOutbox::unanswered_msgs() const {
  std::size_t msgs = 0;
  for (const Pending& pending : waiting_) msgs += pending.msgs_left();
  return msgs;
}

SendReport ReportOutbox::what_to_send() const {
  const Pending& first = waiting_.front();
  SendReport send{number_, first.form, {}};
  switch (first.form) {
    case ReportForm::whole:
      send.report = first.report;
      break;
    case ReportForm::object:
    case ReportForm::array:
      send.report.ids = first.report.ids;
      break;
    case ReportForm::single:
      send.report.ids = {first.report.ids.at(first.next_id)};
      send.report.partial = true;
      break;
  }
  return send;
}

ReportOutbox::Outcome ReportOutbox::tried(const ReportTried& what, Instant now,
                                          std::uint64_t chance) {
  PENA_CHECK(answer_by_.has_value());
  answer_by_.reset();
  if (what.status >= 200 && what.status < 300) return accepted();
  if (may_be_tried_again(what.status)) return failed(what, now, chance);
  if (change_form(what.status)) return {};
  return refused(what);
}

std::optional<Say> ReportOutbox::abandoned(Instant now, std::uint64_t chance) {
  ReportTried none{number_, {}, 0, {}, {}, {}};
  none.why = "no answer within " + std::to_string(kAnswerTime.count()) + " s";
  return tried(none, now, chance).say;
}

ReportOutbox::Outcome ReportOutbox::accepted() {
  Pending& first = waiting_.front();
  Outcome outcome;
  if (first.failures > 0) outcome.say = Say{LogLevel::info, "the server takes reports again"};
  first.failures = 0;
  first.any_accepted = true;
  if (first.asks_for_time) {
    outcome.fate = Fate::told_time;
    waiting_.pop_front();
    return outcome;
  }
  if (first.form != form_) {
    form_ = first.form;
    outcome.say =
        Say{LogLevel::warning, "the server takes reports " + std::string{description(form_)}};
  }
  if (go_on_with_next_id()) return outcome;
  waiting_.pop_front();
  outcome.fate = Fate::accepted;
  return outcome;
}

ReportOutbox::Outcome ReportOutbox::failed(const ReportTried& what, Instant now,
                                           std::uint64_t chance) {
  Pending& first = waiting_.front();
  sends_at_ = now + wait_to_retry(rules_, ++first.failures, what.retry_after, chance);
  if (first.failures > 1) return {};
  return {Fate::again,
          Say{LogLevel::warning, "a report was not taken, so it is sent again: " + what.why}};
}

bool ReportOutbox::go_on_with_next_id() {
  Pending& first = waiting_.front();
  return first.form == ReportForm::single && ++first.next_id < first.report.ids.size();
}

// Whether another try is left that says the same, or nearly so.
bool ReportOutbox::change_form(unsigned status) {
  Pending& first = waiting_.front();
  if (!is_about_the_form(status) || first.report.ids.empty()) return false;
  switch (first.form) {
    case ReportForm::whole:
      first.form = same_in_either(first.report) ? ReportForm::array : ReportForm::object;
      return true;
    case ReportForm::object:
      first.form = ReportForm::array;
      return true;
    case ReportForm::array:
      first.form = ReportForm::single;
      return true;
    case ReportForm::single:
      break;
  }
  // One id may be strange to a server that takes the others.
  return first.any_accepted && go_on_with_next_id();
}

ReportOutbox::Outcome ReportOutbox::refused(const ReportTried& what) {
  const Pending first = std::move(waiting_.front());
  waiting_.pop_front();
  if (first.asks_for_time) return {Fate::told_time, std::nullopt};
  return {first.any_accepted ? Fate::accepted : Fate::refused,
          Say{LogLevel::error, "the server refused a report, so it is given up with its " +
                                   msgs_text(first.msgs_left()) + ": " + what.why}};
}

}  // namespace pena::core
