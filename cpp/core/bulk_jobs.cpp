#include "core/bulk_jobs.hpp"

#include <algorithm>
#include <utility>

namespace pena::core {
namespace {

using From = WantedBulk::From;

// "out of*" is how it begins, "out of luck" is all of it.
bool fits(const std::string& pattern, const std::string& error) {
  if (!pattern.ends_with('*')) return error == pattern;
  return error.starts_with(pattern.substr(0, pattern.size() - 1));
}

From bucket_of(BulkAsked::What what) {
  switch (what) {
    case BulkAsked::What::forget_reports:
      return From::report;
    case BulkAsked::What::forget_waiting:
      return From::queue;
    case BulkAsked::What::retry:
    case BulkAsked::What::forget_fails:
      break;
  }
  return From::fail;
}

}  // namespace

void BulkJobs::add(BulkAsked&& asked, Instant now) {
  asked.before = std::min(asked.before.value_or(now), now);
  Job& job = jobs_.emplace_back();
  job.reply.request = asked.request;
  job.asked = std::move(asked);
}

WantedBulk BulkJobs::wanted(const Queues& queues, const QueueNames& names) const {
  const Job& job = jobs_.front();
  WantedBulk wanted;
  wanted.from = bucket_of(job.asked.what);
  wanted.limit = kMostOfAPage;
  wanted.bytes = kMostBytes;
  wanted.after = job.after;
  if (job.asked.ids) {
    const std::span<const Xid> left = std::span{*job.asked.ids}.subspan(job.next_id);
    wanted.ids = left.first(std::min(left.size(), kMostOfAPage));
  } else if (wanted.from == From::queue) {
    look_for_queue(wanted, queues, names);
  }
  return wanted;
}

void BulkJobs::look_for_queue(WantedBulk& wanted, const Queues& queues,
                              const QueueNames& names) const {
  const Job& job = jobs_.front();
  auto queue = queues.first_from(job.queue);
  while (queue && job.asked.queue && names.name(*queue) != *job.asked.queue) {
    queue = queues.first_from(*queue + 1);
  }
  if (!queue || job.after_due) {
    wanted.from = From::later;
    wanted.after_due = job.after_due;
    return;
  }
  wanted.queue = *queue;
  if (*queue == job.queue) wanted.after_id = job.after_id;
}

bool BulkJobs::is_meant(const FailRecord& fail, const QueueNames& names) const {
  const BulkAsked& job = asked();
  if (job.ids) return true;
  const std::string error = fail.misses.empty() ? "" : fail.misses.back().error;
  return is_meant(fail.msg.queue, fail.failed_at, names) && (!job.error || fits(*job.error, error));
}

bool BulkJobs::is_meant(const ReportRecord& report, const QueueNames& names) const {
  return asked().ids || is_meant(report.queue, report.reported_at, names);
}

bool BulkJobs::is_meant(const WaitingMsg& waiting, const QueueNames& names) const {
  return asked().ids || is_meant(waiting.msg.msg.queue, waiting.msg.accepted_at, names);
}

bool BulkJobs::is_meant(QueueNumber queue, Instant since, const QueueNames& names) const {
  const BulkAsked& job = asked();
  return since < *job.before && (!job.queue || *job.queue == names.name(queue));
}

bool BulkJobs::note_page(const WantedBulk& wanted, const BulkRead& page) {
  Job& job = jobs_.front();
  if (!job.asked.ids) return go_behind(job, wanted, page);
  const std::size_t found = page.fails.size() + page.reports.size() + page.waiting.size();
  job.reply.unknown += page.looked_up - found;
  job.next_id += page.looked_up;
  return job.next_id == job.asked.ids->size();
}

bool BulkJobs::go_behind(Job& job, const WantedBulk& wanted, const BulkRead& page) {
  job.after = std::max(job.after, page.up_to);
  if (wanted.from == From::queue) {
    job.queue = page.more ? wanted.queue : wanted.queue + 1;
    job.after_id = page.more ? std::optional{page.waiting.back().msg.msg.id} : std::nullopt;
    return false;
  }
  if (wanted.from == From::later && page.more) {
    const QueuedMsg& last = page.waiting.back().msg;
    job.after_due = {last.queued_at, last.msg.id};
  }
  return !page.more;
}

BulkReply BulkJobs::end() {
  const BulkReply reply = jobs_.front().reply;
  jobs_.pop_front();
  return reply;
}

}  // namespace pena::core
