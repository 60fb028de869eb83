#include "core/ended_jobs.hpp"

#include <algorithm>
#include <utility>

namespace pena::core {
namespace {

// "out of*" is how it begins, "out of luck" is all of it.
bool fits(const std::string& pattern, const std::string& error) {
  if (!pattern.ends_with('*')) return error == pattern;
  return error.starts_with(pattern.substr(0, pattern.size() - 1));
}

}  // namespace

void EndedJobs::add(EndedAsked&& asked, Instant now) {
  asked.before = std::min(asked.before.value_or(now), now);
  EndedReply reply{asked.request};
  jobs_.push_back({std::move(asked), 0, 0, reply});
}

WantedEnded EndedJobs::wanted() const {
  const Job& job = jobs_.front();
  WantedEnded wanted;
  wanted.reports = job.asked.what == EndedAsked::What::forget_reports;
  wanted.limit = kMostOfAPage;
  wanted.bytes = kMostBytes;
  wanted.after = job.after;
  if (job.asked.ids) {
    const std::span<const Xid> left = std::span{*job.asked.ids}.subspan(job.next_id);
    wanted.ids = left.first(std::min(left.size(), kMostOfAPage));
  }
  return wanted;
}

bool EndedJobs::is_meant(const FailRecord& fail, const QueueNames& names) const {
  const EndedAsked& job = asked();
  if (job.ids) return true;
  const std::string error = fail.misses.empty() ? "" : fail.misses.back().error;
  return is_meant(fail.msg.queue, fail.failed_at, names) && (!job.error || fits(*job.error, error));
}

bool EndedJobs::is_meant(const ReportRecord& report, const QueueNames& names) const {
  return asked().ids || is_meant(report.queue, report.reported_at, names);
}

bool EndedJobs::is_meant(QueueNumber queue, Instant ended_at, const QueueNames& names) const {
  const EndedAsked& job = asked();
  return ended_at < *job.before && (!job.queue || *job.queue == names.name(queue));
}

std::optional<EndedReply> EndedJobs::page_done(const EndedRead& page, std::uint64_t meant) {
  Job& job = jobs_.front();
  job.reply.done += meant;
  bool is_last = !page.more;
  if (job.asked.ids) {
    job.reply.unknown += page.looked_up - page.fails.size() - page.reports.size();
    job.next_id += page.looked_up;
    is_last = job.next_id == job.asked.ids->size();
  }
  job.after = std::max(job.after, page.up_to);
  if (!is_last) return std::nullopt;
  return give_up();
}

EndedReply EndedJobs::give_up() {
  const EndedReply reply = jobs_.front().reply;
  jobs_.pop_front();
  return reply;
}

}  // namespace pena::core
