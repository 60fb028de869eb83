// Msgs that are to be tried again or forgotten, a page at a time: because somebody wants it, or because they
// have been kept for long enough.
#include <algorithm>
#include <map>
#include <utility>

#include "core/check.hpp"
#include "core/dispatcher_state.hpp"

namespace pena::core {

void Dispatcher::State::on(BulkAsked&& event, Instant now) {
  if (draining) return stop_job(BulkReply{event.request});
  const auto queue = event.queue ? names.find(*event.queue) : std::nullopt;
  // A name that the store does not have is that of no msg, and its number may be another's soon.
  const bool is_of_none = event.queue && (!queue || !names.is_stored(*queue));
  if (is_of_none || (event.ids && event.ids->empty())) {
    effects.sends.emplace_back(BulkReply{event.request});
  } else {
    bulk_jobs.add(std::move(event), queue, there(now));
  }
}

BulkJobs::There Dispatcher::State::there(Instant now) const {
  return {date(now), queues, later, reports_kept.kept(), fails_kept.kept()};
}

void Dispatcher::State::on(RoomRunsOut&& event, Instant /*now*/) {
  room_runs_out = event.does;
}

// What makes room goes first; what somebody waits for and what has been kept for long enough take turns.
Dispatcher::State::NextBulk Dispatcher::State::next_bulk() const {
  if (draining) return NextBulk::none;
  if (room_runs_out && reports_kept.wants(clock, true) > 0) return NextBulk::make_room;
  if (!bulk_jobs.empty() && !sweep_goes_first) return NextBulk::job;
  if (reports_kept.wants(clock, false) > 0) return NextBulk::sweep_reports;
  if (fails_kept.wants(clock, false) > 0) return NextBulk::sweep_fails;
  return bulk_jobs.empty() ? NextBulk::none : NextBulk::job;
}

std::optional<WantedBulk> Dispatcher::State::wanted_bulk() const {
  const NextBulk next = next_bulk();
  if (next == NextBulk::none) return std::nullopt;
  if (next == NextBulk::job) {
    WantedBulk wanted = bulk_jobs.wanted();
    wanted.as_of = steps;
    wanted.limit = std::min({wanted.limit, limits.window_msgs, most_forgotten()});
    return wanted;
  }
  const bool of_reports = next != NextBulk::sweep_fails;
  const Retention& kept = of_reports ? reports_kept : fails_kept;
  WantedBulk wanted;
  wanted.as_of = steps;
  wanted.from = of_reports ? WantedBulk::From::report : WantedBulk::From::fail;
  wanted.after = kept.after();
  wanted.limit = std::min(kept.wants(clock, next == NextBulk::make_room), most_forgotten());
  wanted.bytes = kBytesOfSweep;
  return wanted;
}

void Dispatcher::State::on(BulkRead&& event, Instant now) {
  PENA_CHECK(event.as_of == steps);
  bulk_goes_first = false;
  const NextBulk next = next_bulk();
  sweep_goes_first = next == NextBulk::job;
  switch (next) {
    case NextBulk::none:
      PENA_CHECK(false);
      break;
    case NextBulk::job:
      return do_job(std::move(event), now);
    case NextBulk::make_room:
      // How full the store is now is to be measured before more of them go.
      room_runs_out = event.reports.empty();
      counts.room_reports += sweep(reports_kept, std::move(event.reports), true);
      break;
    case NextBulk::sweep_reports:
      counts.swept_reports += sweep(reports_kept, std::move(event.reports), false);
      break;
    case NextBulk::sweep_fails:
      counts.swept_fails += sweep(fails_kept, std::move(event.fails), false);
      break;
  }
}

// How many were.
template <class Record>
std::uint64_t Dispatcher::State::sweep(Retention& kept, std::vector<Record>&& page,
                                       bool room_made) {
  std::vector<Retention::Ended> ended;
  ended.reserve(page.size());
  for (const Record& record : page) ended.push_back({record.order, ended_at(record)});
  page.resize(kept.take(ended, clock, room_made));
  forget(page);
  return page.size();
}

void Dispatcher::State::do_job(BulkRead&& event, Instant now) {
  const BulkAsked::What what = bulk_jobs.asked().what;
  const bool dry_run = bulk_jobs.asked().dry_run;
  const bool is_last = bulk_jobs.note_page(event, there(now));
  const auto keep_meant = [this](auto& records) {
    std::erase_if(records, [this](const auto& record) { return !bulk_jobs.is_meant(record); });
    return records.size();
  };
  const std::size_t count =
      keep_meant(event.fails) + keep_meant(event.reports) + keep_meant(event.waiting);
  if (what == BulkAsked::What::retry && !dry_run && !has_room_to_retry(event.fails)) {
    BulkReply reply = bulk_jobs.end();
    reply.refused = true;
    effects.sends.emplace_back(reply);
    return;
  }
  bulk_jobs.note_done(count);
  if (is_last) effects.sends.emplace_back(bulk_jobs.end());
  if (dry_run) return;
  if (what == BulkAsked::What::retry) {
    counts.retried += count;
    retry(std::move(event.fails), date(now));
  } else {
    counts.forgotten += count;
    forget(event.fails);
    forget(event.reports);
    forget(std::move(event.waiting));
  }
}

bool Dispatcher::State::has_room_to_retry(const std::vector<FailRecord>& fails) const {
  Room need;
  std::uint64_t longest = 0;
  for (const FailRecord& fail : fails) {
    const std::uint64_t bytes = record_bytes({fail.msg, {}, {}, fail.misses});
    need += room_of_due(bytes);
    longest = std::max(longest, bytes);
  }
  return has_room(need + kept_for_one(longest));
}

// With all its attempts, and its story.
void Dispatcher::State::retry(std::vector<FailRecord>&& fails, Instant now) {
  fails_kept.dropped(fails.size());
  bulk_jobs.note_dropped(fails);
  std::map<QueueNumber, std::vector<QueuedMsg>> by_queue;
  for (FailRecord& fail : fails) {
    effects.writes.emplace_back(DropFail{fail.msg.id});
    const QueueNumber queue = fail.msg.queue;
    QueuedMsg msg{std::move(fail.msg), fail.accepted_at, now, std::move(fail.misses)};
    const std::uint64_t bytes = record_bytes(msg);
    coming += room_of_due(bytes);
    largest = std::max(largest, bytes);
    bulk_jobs.note_put(WantedBulk::From::queue, msg);
    by_queue[queue].push_back(std::move(msg));
  }
  for (auto& [queue, msgs] : by_queue) {
    touch(queue);
    queues.at(queue).add_all(std::move(msgs), effects.writes);
  }
}

// What is taken out of pages needs others, until commits have made those free.
std::size_t Dispatcher::State::most_forgotten() const {
  constexpr std::size_t kLeast = 64;
  const std::uint64_t used = room_used().pages;
  const std::uint64_t left = room.pages > used ? room.pages - used : 0;
  return kLeast + static_cast<std::size_t>(left / kPagesOfForgotten);
}

void Dispatcher::State::forget(const std::vector<FailRecord>& fails) {
  coming.pages += fails.size() * kPagesOfForgotten;
  fails_kept.dropped(fails.size());
  bulk_jobs.note_dropped(fails);
  for (const FailRecord& fail : fails) {
    effects.writes.emplace_back(DropFail{fail.msg.id});
    drop_key(fail.msg.queue, fail.msg.key);
  }
}

void Dispatcher::State::forget(const std::vector<ReportRecord>& reports) {
  coming.pages += reports.size() * kPagesOfForgotten;
  reports_kept.dropped(reports.size());
  bulk_jobs.note_dropped(reports);
  for (const ReportRecord& report : reports) {
    effects.writes.emplace_back(DropReport{report.id});
    drop_key(report.queue, report.key);
  }
}

void Dispatcher::State::forget(std::vector<WaitingMsg>&& waiting) {
  coming.pages += waiting.size() * kPagesOfForgotten;
  std::map<QueueNumber, std::vector<QueuedMsg>> by_queue;
  for (WaitingMsg& one : waiting) {
    drop_key(one.msg.msg.queue, one.msg.msg.key);
    if (one.later) {
      --later;
      effects.writes.emplace_back(DropLater{one.msg.msg.id, one.msg.queued_at});
    } else {
      by_queue[one.msg.msg.queue].push_back(std::move(one.msg));
    }
  }
  for (auto& [queue, msgs] : by_queue) {
    touch(queue);
    queues.at(queue).forget(msgs, effects.writes);
  }
}

}  // namespace pena::core
