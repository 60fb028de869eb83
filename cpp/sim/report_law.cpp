#include "sim/report_law.hpp"

#include <algorithm>
#include <utility>

#include "sim/oracle.hpp"

namespace pena::sim {

using namespace std::chrono_literals;

namespace {

constexpr core::Duration kAnswerTime = 10s;
constexpr core::Duration kAWhile = 100ms;  // for rounding, and what else a step waits for

bool is_for_a_moment(unsigned status) {
  return status == 0 || status == 408 || status == 429 || status == 503;
}

bool says_the_same(const core::SendReport& again, const core::SendReport& first) {
  return again.form == first.form && again.report.ids == first.report.ids &&
         again.report.batch == first.report.batch;
}

bool says_it_otherwise(const core::SendReport& again, const core::SendReport& first) {
  if (again.form <= first.form) return false;
  if (again.form != core::ReportForm::single) return again.report.ids == first.report.ids;
  return again.report.ids.front() == first.report.ids.front();
}

}  // namespace

void ReportLaw::breaks(bool is_broken, const char* law, const std::string& what) const {
  if (is_broken) throw LawBroken(law, who_ + " " + what);
}

void ReportLaw::sends(const core::SendReport& send, core::Instant now) {
  breaks(under_way_.has_value(), "reports_arrive", "sends a report while another is under way");
  if (owed_) pay(send, now);
  under_way_ = send;
  sent_at_ = now;
}

void ReportLaw::pay(const core::SendReport& send, core::Instant now) {
  const Owed owed = *std::exchange(owed_, {});
  const unsigned status = owed.reply.status;
  if (status == 400) {
    return breaks(!says_it_otherwise(send, owed.report), "reports_arrive",
                  "tries no other form of a report that is refused");
  }
  breaks(!says_the_same(send, owed.report), "reports_arrive",
         "gives a report up that was answered with " + std::to_string(status));
  breaks(now < owed.since + owed.reply.retry_after.value_or(0us), "retry_after",
         "sends a report again sooner than it was asked to");
}

void ReportLaw::abandons(core::Instant now) {
  breaks(!under_way_ || now < sent_at_ + kAnswerTime, "reports_arrive",
         "abandons a report before its time is over");
  owe({}, now);
}

void ReportLaw::answered(std::uint64_t number, const Reply& reply, core::Instant now) {
  if (under_way_ && under_way_->number == number) owe(reply, now);
}

void ReportLaw::owe(const Reply& reply, core::Instant now) {
  const core::SendReport report = *std::exchange(under_way_, {});
  const bool has_another_form =
      reply.status == 400 && report.form != core::ReportForm::single && !report.report.ids.empty();
  if (has_another_form || is_for_a_moment(reply.status)) owed_ = Owed{report, reply, now};
}

core::Duration ReportLaw::longest_wait() const {
  core::Duration wait = kAnswerTime;
  if (owed_) {
    wait = rules_.most + std::clamp<core::Duration>(owed_->reply.retry_after.value_or(0us), 0us,
                                                    rules_.retry_after_most);
  }
  return wait + late_ + kAWhile;
}

void ReportLaw::look(core::Instant now) const {
  breaks(under_way_ && now >= sent_at_ + longest_wait(), "reports_arrive",
         "waits for an answer beyond its time");
  breaks(owed_ && now >= owed_->since + longest_wait(), "reports_arrive",
         "does not send a report again that was not taken");
}

}  // namespace pena::sim
