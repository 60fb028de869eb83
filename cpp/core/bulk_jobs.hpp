// Requests to try msgs again, or to forget them: what is left to do of each.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <utility>

#include "core/effect.hpp"
#include "core/event.hpp"
#include "core/queue_names.hpp"
#include "core/queues.hpp"

namespace pena::core {

class BulkJobs {
 public:
  static constexpr std::size_t kMostOfAPage = 1000;
  static constexpr std::size_t kMostBytes = std::size_t{1} << 20U;

  // `now`: a date. What ends or is accepted from then on is left alone: what is tried again may fail again.
  void add(BulkAsked&& asked, Instant now);
  [[nodiscard]] bool empty() const { return jobs_.empty(); }

  // Of the first of them.
  [[nodiscard]] const BulkAsked& asked() const { return jobs_.front().asked; }
  [[nodiscard]] WantedBulk wanted(const Queues& queues, const QueueNames& names) const;
  // Whether such a record is meant. Of those that were named all are.
  [[nodiscard]] bool is_meant(const FailRecord& fail, const QueueNames& names) const;
  [[nodiscard]] bool is_meant(const ReportRecord& report, const QueueNames& names) const;
  [[nodiscard]] bool is_meant(const WaitingMsg& waiting, const QueueNames& names) const;
  // The page that was wanted was read. True where that was the last.
  [[nodiscard]] bool note_page(const WantedBulk& wanted, const BulkRead& page);
  // So many of its records were meant.
  void note_done(std::uint64_t count) { jobs_.front().reply.done += count; }
  // It ends as it is.
  [[nodiscard]] BulkReply end();

 private:
  struct Job {
    BulkAsked asked;
    std::size_t next_id = 0;
    std::uint64_t after = 0;
    // Of msgs that wait: first those of the queues from that number on, then those that are not due.
    QueueNumber queue = kDefaultQueue;
    std::optional<Xid> after_id;
    std::optional<std::pair<Instant, Xid>> after_due;
    BulkReply reply;
  };
  [[nodiscard]] bool is_meant(QueueNumber queue, Instant since, const QueueNames& names) const;
  void look_for_queue(WantedBulk& wanted, const Queues& queues, const QueueNames& names) const;
  [[nodiscard]] static bool go_behind(Job& job, const WantedBulk& wanted, const BulkRead& page);

  std::deque<Job> jobs_;
};

}  // namespace pena::core
