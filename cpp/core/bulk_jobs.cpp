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

void BulkJobs::add(BulkAsked&& asked, std::optional<QueueNumber> queue, const Queues& queues,
                   Instant now) {
  asked.before = std::min(asked.before.value_or(now), now);
  Job& job = jobs_.emplace_back();
  job.reply.request = asked.request;
  job.only = queue;
  job.wanted.from = bucket_of(asked.what);
  job.wanted.limit = kMostOfAPage;
  job.wanted.bytes = kMostBytes;
  job.asked = std::move(asked);
  if (job.asked.ids) {
    want_ids(job);
  } else if (job.wanted.from == From::queue) {
    want_queue(job, queue.value_or(kDefaultQueue), queues);
  }
}

void BulkJobs::want_ids(Job& job) {
  const std::span<const Xid> left = std::span{*job.asked.ids}.subspan(job.next_id);
  job.wanted.ids = left.first(std::min(left.size(), kMostOfAPage));
}

// The first that has msgs from that number on, as far as it is asked for; or else those that are not due.
void BulkJobs::want_queue(Job& job, QueueNumber from, const Queues& queues) {
  const auto queue = queues.first_from(from);
  job.wanted.after_id.reset();
  if (!queue || (job.only && shown_queue(*queue) != *job.only)) {
    job.wanted.from = From::later;
  } else {
    job.wanted.queue = *queue;
  }
}

bool BulkJobs::is_meant(const FailRecord& fail) const {
  const BulkAsked& job = asked();
  if (job.ids) return true;
  const std::string error = fail.misses.empty() ? "" : fail.misses.back().error;
  return is_meant(fail.msg.queue, fail.failed_at) && (!job.error || fits(*job.error, error));
}

bool BulkJobs::is_meant(const ReportRecord& report) const {
  return asked().ids || is_meant(report.queue, report.reported_at);
}

bool BulkJobs::is_meant(const WaitingMsg& waiting) const {
  return asked().ids || is_meant(waiting.msg.msg.queue, waiting.msg.accepted_at);
}

bool BulkJobs::is_meant(QueueNumber queue, Instant since) const {
  const Job& job = jobs_.front();
  return since < *job.asked.before && (!job.only || *job.only == shown_queue(queue));
}

bool BulkJobs::note_page(const BulkRead& page, const Queues& queues) {
  Job& job = jobs_.front();
  if (!job.asked.ids) return go_behind(job, page, queues);
  const std::size_t found = page.fails.size() + page.reports.size() + page.waiting.size();
  job.reply.unknown += page.looked_up - found;
  job.next_id += page.looked_up;
  want_ids(job);
  return job.next_id == job.asked.ids->size();
}

bool BulkJobs::go_behind(Job& job, const BulkRead& page, const Queues& queues) {
  WantedBulk& wanted = job.wanted;
  wanted.after = std::max(wanted.after, page.up_to);
  if (wanted.from == From::queue) {
    if (page.more) {
      wanted.after_id = page.waiting.back().msg.msg.id;
    } else {
      want_queue(job, wanted.queue + 1, queues);
    }
    return false;
  }
  if (wanted.from == From::later && page.more) {
    const QueuedMsg& last = page.waiting.back().msg;
    wanted.after_due = {last.queued_at, last.msg.id};
  }
  return !page.more;
}

BulkReply BulkJobs::end() {
  const BulkReply reply = jobs_.front().reply;
  jobs_.pop_front();
  return reply;
}

}  // namespace pena::core
