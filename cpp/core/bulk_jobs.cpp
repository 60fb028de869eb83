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

// The first that is looked at.
From bucket_of(BulkAsked::What what) {
  switch (what) {
    case BulkAsked::What::forget_reports:
      return From::report;
    case BulkAsked::What::forget_waiting:
      return From::later;
    case BulkAsked::What::retry:
    case BulkAsked::What::forget_fails:
      break;
  }
  return From::fail;
}

// Of the last of them.
std::pair<Instant, Xid> place_of(const std::vector<WaitingMsg>& waiting) {
  const QueuedMsg& last = waiting.back().msg;
  return {last.queued_at, last.msg.id};
}

}  // namespace

void BulkJobs::add(BulkAsked&& asked, std::optional<QueueNumber> queue, const There& there) {
  Job& job = jobs_.emplace_back();
  job.reply.request = asked.request;
  job.only = queue;
  job.asked_at = there.date;
  job.wanted.from = bucket_of(asked.what);
  job.wanted.limit = kMostOfAPage;
  job.wanted.bytes = kMostBytes;
  job.asked = std::move(asked);
  if (job.asked.ids) return want_ids(job);
  job.left = job.wanted.from == From::report ? there.reports
             : job.wanted.from == From::fail ? there.fails
                                             : there.later;
  limit_to_left(job);
}

void BulkJobs::want_ids(Job& job) {
  const std::span<const Xid> left = std::span{*job.asked.ids}.subspan(job.next_id);
  job.wanted.ids = left.first(std::min(left.size(), kMostOfAPage));
}

// The first that has msgs from that number on, as far as it is asked for. False where there is none.
bool BulkJobs::want_queue(Job& job, QueueNumber from, const There& there) {
  const auto queue = there.queues.first_from(from);
  if (!queue || (job.only && shown_queue(*queue) != *job.only)) return false;
  job.wanted.from = From::queue;
  job.wanted.queue = *queue;
  job.wanted.after_id.reset();
  job.left = there.queues.find(*queue)->size();
  limit_to_left(job);
  return true;
}

// A page of nothing cannot be asked for.
void BulkJobs::limit_to_left(Job& job) {
  job.wanted.limit = std::clamp<std::uint64_t>(job.left, 1, kMostOfAPage);
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
  return (!job.asked.before || since < *job.asked.before) &&
         (!job.only || *job.only == shown_queue(queue));
}

bool BulkJobs::note_page(BulkRead& page, const There& there) {
  Job& job = jobs_.front();
  if (!job.asked.ids) return go_behind(job, page, there);
  const std::size_t found = page.fails.size() + page.reports.size() + page.waiting.size();
  job.reply.unknown += page.looked_up - found;
  job.next_id += page.looked_up;
  want_ids(job);
  return job.next_id == job.asked.ids->size();
}

bool BulkJobs::go_behind(Job& job, BulkRead& page, const There& there) {
  const auto last = page.waiting.empty() ? std::nullopt : std::optional{place_of(page.waiting)};
  std::erase_if(page.waiting, [&job](const auto& one) { return !was_there(job, one.msg); });
  const auto keep_those_left = [&job](auto& records) {
    if (records.size() > job.left) {
      records.erase(records.begin() + static_cast<std::ptrdiff_t>(job.left), records.end());
    }
    job.left -= records.size();
  };
  keep_those_left(page.fails);
  keep_those_left(page.reports);
  keep_those_left(page.waiting);
  limit_to_left(job);
  WantedBulk& wanted = job.wanted;
  wanted.after = std::max(wanted.after, page.up_to);
  const bool goes_on = page.more && job.left > 0;
  if (wanted.from == From::later) {
    if (!goes_on) return !want_queue(job, job.only.value_or(kDefaultQueue), there);
    wanted.after_due = last;
  } else if (wanted.from == From::queue) {
    if (!goes_on) return !want_queue(job, wanted.queue + 1, there);
    wanted.after_id = last->second;
  }
  return !goes_on;
}

void BulkJobs::note_new(const std::vector<Msg>& msgs, Instant date) {
  for (Job& job : jobs_) {
    if (date > job.asked_at) continue;
    for (const Msg& msg : msgs) job.came_later.insert(msg.id);
  }
}

// It may stand before what was there when its queue was come to.
void BulkJobs::note_put(From from, const QueuedMsg& msg) {
  for (Job& job : jobs_) {
    const WantedBulk& wanted = job.wanted;
    const bool is_there =
        wanted.from == from && (from == From::later || wanted.queue == msg.msg.queue);
    if (job.asked.ids || !is_there || !was_there(job, msg)) continue;
    ++job.left;
    limit_to_left(job);
  }
}

// What others forget is left to do no longer. Where the clock stands still, what came later may be taken for
// what was there: then a little of that is left.
template <class Record>
void BulkJobs::note_dropped(From from, const std::vector<Record>& records) {
  for (Job& job : jobs_) {
    if (job.asked.ids || job.wanted.from != from) continue;
    const auto was_left = [&job](const Record& record) {
      return record.order > job.wanted.after && ended_at(record) <= job.asked_at;
    };
    const auto gone = static_cast<std::uint64_t>(std::ranges::count_if(records, was_left));
    job.left -= std::min(job.left, gone);
    limit_to_left(job);
  }
}

void BulkJobs::note_dropped(const std::vector<FailRecord>& fails) {
  note_dropped(From::fail, fails);
}

void BulkJobs::note_dropped(const std::vector<ReportRecord>& reports) {
  note_dropped(From::report, reports);
}

BulkReply BulkJobs::end() {
  const BulkReply reply = jobs_.front().reply;
  jobs_.pop_front();
  return reply;
}

}  // namespace pena::core
