// Requests to try msgs again, or to forget them: what is left to do of each.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>

#include "core/effect.hpp"
#include "core/event.hpp"
#include "core/queues.hpp"

namespace pena::core {

class BulkJobs {
 public:
  static constexpr std::size_t kMostOfAPage = 1000;
  static constexpr std::size_t kMostBytes = std::size_t{1} << 20U;

  // `now`: a date. What ends or is accepted from then on is left alone: what is tried again may fail again.
  // `queue`: the number of the one that is asked for, if any.
  void add(BulkAsked&& asked, std::optional<QueueNumber> queue, const Queues& queues, Instant now);
  [[nodiscard]] bool empty() const { return jobs_.empty(); }

  // Of the first of them.
  [[nodiscard]] const BulkAsked& asked() const { return jobs_.front().asked; }
  [[nodiscard]] const WantedBulk& wanted() const { return jobs_.front().wanted; }
  // Whether such a record is meant. Of those that were named all are.
  [[nodiscard]] bool is_meant(const FailRecord& fail) const;
  [[nodiscard]] bool is_meant(const ReportRecord& report) const;
  [[nodiscard]] bool is_meant(const WaitingMsg& waiting) const;
  // The page that was wanted was read. True where that was the last.
  [[nodiscard]] bool note_page(const BulkRead& page, const Queues& queues);
  // So many of its records were meant.
  void note_done(std::uint64_t count) { jobs_.front().reply.done += count; }
  // It ends as it is.
  [[nodiscard]] BulkReply end();

 private:
  struct Job {
    BulkAsked asked;
    std::optional<QueueNumber> only;  // what is of that queue, as people see it
    // The page that is next. It is kept, for it is asked for several times a round, and to look for a
    // queue takes time. Of msgs that wait: first those of the queues, then those that are not due.
    WantedBulk wanted;
    std::size_t next_id = 0;
    BulkReply reply;
  };
  [[nodiscard]] bool is_meant(QueueNumber queue, Instant since) const;
  static void want_ids(Job& job);
  static void want_queue(Job& job, QueueNumber from, const Queues& queues);
  [[nodiscard]] static bool go_behind(Job& job, const BulkRead& page, const Queues& queues);

  std::deque<Job> jobs_;
};

}  // namespace pena::core
