// Msgs that have ended: those that somebody wants to be tried again, and those that are forgotten.
#include <algorithm>
#include <map>
#include <utility>

#include "core/check.hpp"
#include "core/dispatcher_state.hpp"

namespace pena::core {

void Dispatcher::State::on(EndedAsked&& event, Instant now) {
  if (event.ids && event.ids->empty()) {
    effects.sends.emplace_back(EndedReply{event.request});
  } else {
    ended_jobs.add(std::move(event), date(now));
  }
}

void Dispatcher::State::on(EndedRead&& event, Instant now) {
  PENA_CHECK(event.as_of == steps);
  ended_next = false;
  const EndedAsked::What what = ended_jobs.asked().what;
  const bool dry_run = ended_jobs.asked().dry_run;
  const auto meant = [this](const auto& record) {
    return ended_jobs.is_meant(record, names);
  };
  std::vector<FailRecord> fails;
  std::vector<ReportRecord> reports;
  std::ranges::copy_if(event.fails, std::back_inserter(fails), meant);
  std::ranges::copy_if(event.reports, std::back_inserter(reports), meant);
  if (what == EndedAsked::What::retry && !dry_run && !has_room_to_retry(fails)) {
    EndedReply reply = ended_jobs.give_up();
    reply.refused = true;
    effects.sends.emplace_back(reply);
    return;
  }
  const auto reply = ended_jobs.page_done(event, fails.size() + reports.size());
  if (!dry_run && what == EndedAsked::What::retry) {
    retry(std::move(fails), date(now));
  } else if (!dry_run) {
    forget(fails);
    forget(reports);
  }
  if (reply) effects.sends.emplace_back(*reply);
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
  std::map<QueueNumber, std::vector<QueuedMsg>> by_queue;
  for (FailRecord& fail : fails) {
    effects.writes.emplace_back(DropFail{fail.msg.id});
    const QueueNumber queue = fail.msg.queue;
    QueuedMsg msg{std::move(fail.msg), fail.accepted_at, now, std::move(fail.misses)};
    const std::uint64_t bytes = record_bytes(msg);
    coming += room_of_due(bytes);
    largest = std::max(largest, bytes);
    by_queue[queue].push_back(std::move(msg));
  }
  for (auto& [queue, msgs] : by_queue) {
    touch(queue);
    queues.at(queue).add_all(std::move(msgs), effects.writes);
  }
}

void Dispatcher::State::forget(const std::vector<FailRecord>& fails) {
  for (const FailRecord& fail : fails) {
    effects.writes.emplace_back(DropFail{fail.msg.id});
    drop_key(fail.msg.queue, fail.msg.key);
  }
}

void Dispatcher::State::forget(const std::vector<ReportRecord>& reports) {
  for (const ReportRecord& report : reports) {
    effects.writes.emplace_back(DropReport{report.id});
    drop_key(report.queue, report.key);
  }
}

}  // namespace pena::core
