// Requests to try msgs again, or to forget them: what is left to do of each.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "core/effect.hpp"
#include "core/event.hpp"
#include "core/queues.hpp"

namespace pena::core {

[[nodiscard]] inline Instant ended_at(const ReportRecord& report) {
  return report.reported_at;
}
[[nodiscard]] inline Instant ended_at(const FailRecord& fail) {
  return fail.failed_at;
}

class BulkJobs {
 public:
  static constexpr std::size_t kMostOfAPage = 1000;
  static constexpr std::size_t kMostBytes = std::size_t{1} << 20U;

  // What ends or is accepted from then on is left alone: what is tried again may fail again. Dates do not tell
  // that apart, for they stand still while a clock that was set back catches up; numbers do.
  struct There {
    Instant date;
    const Queues& queues;
    std::uint64_t later = 0;               // msgs that are not due yet
    std::uint64_t reports = 0, fails = 0;  // msgs that have ended, and are kept
  };
  // `queue`: the number of the one that is asked for, if any.
  void add(BulkAsked&& asked, std::optional<QueueNumber> queue, const There& there);
  [[nodiscard]] bool empty() const { return jobs_.empty(); }

  // Of the first of them.
  [[nodiscard]] const BulkAsked& asked() const { return jobs_.front().asked; }
  [[nodiscard]] const WantedBulk& wanted() const { return jobs_.front().wanted; }
  // Whether such a record is meant. Of those that were named all are.
  [[nodiscard]] bool is_meant(const FailRecord& fail) const;
  [[nodiscard]] bool is_meant(const ReportRecord& report) const;
  [[nodiscard]] bool is_meant(const WaitingMsg& waiting) const;
  // The page that was wanted was read. True where that was the last. Leaves out of it what came too late.
  [[nodiscard]] bool note_page(BulkRead& page, const There& there);
  // These come to be there: they were not when it was asked, whatever the date says.
  void note_new(const std::vector<Msg>& msgs, Instant date);
  // It comes to wait there, for the first time or again.
  void note_put(WantedBulk::From from, const QueuedMsg& msg);
  // These are kept no longer, for whatever reason.
  void note_dropped(const std::vector<FailRecord>& fails);
  void note_dropped(const std::vector<ReportRecord>& reports);
  // So many of its records were meant.
  void note_done(std::uint64_t count) { jobs_.front().reply.done += count; }
  // It ends as it is.
  [[nodiscard]] BulkReply end();

 private:
  struct Job {
    BulkAsked asked;
    std::optional<QueueNumber> only;  // what is of that queue, as people see it
    // The page that is next. It is kept, for it is asked for several times a round, and to look for a
    // queue takes time. Of msgs that wait: first those that are not due, for they may be so soon, and then are in
    // their queues.
    WantedBulk wanted;
    Instant asked_at;  // a date
    // So many behind that place were there, or a few more: of what has ended when it was asked, and in the order
    // of settling they stand before what came later; of what waits when its queue was come to, and what comes
    // back to it may stand anywhere.
    std::uint64_t left = 0;
    std::set<Xid> came_later;  // of what has a date as if it had been there
    std::size_t next_id = 0;
    BulkReply reply;
  };
  [[nodiscard]] static bool was_there(const Job& job, const QueuedMsg& msg) {
    return msg.accepted_at <= job.asked_at && !job.came_later.contains(msg.msg.id);
  }
  [[nodiscard]] bool is_meant(QueueNumber queue, Instant since) const;
  static void want_ids(Job& job);
  [[nodiscard]] static bool want_queue(Job& job, QueueNumber from, const There& there);
  static void limit_to_left(Job& job);
  [[nodiscard]] static bool go_behind(Job& job, BulkRead& page, const There& there);
  template <class Record>
  void note_dropped(WantedBulk::From from, const std::vector<Record>& records);

  std::deque<Job> jobs_;
};

}  // namespace pena::core
