// Requests to try msgs again that have ended, or to forget them: what is left to do of each.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>

#include "core/effect.hpp"
#include "core/event.hpp"
#include "core/queue_names.hpp"

namespace pena::core {

class EndedJobs {
 public:
  static constexpr std::size_t kMostOfAPage = 1000;
  static constexpr std::size_t kMostBytes = std::size_t{1} << 20U;

  // `now`: a date. What ends from then on is left alone: what is tried again may fail again.
  void add(EndedAsked&& asked, Instant now);
  [[nodiscard]] bool empty() const { return jobs_.empty(); }

  // Of the first of them.
  [[nodiscard]] const EndedAsked& asked() const { return jobs_.front().asked; }
  [[nodiscard]] WantedEnded wanted() const;
  // Whether such a record is meant. Of those that were named all are.
  [[nodiscard]] bool is_meant(const FailRecord& fail, const QueueNames& names) const;
  [[nodiscard]] bool is_meant(const ReportRecord& report, const QueueNames& names) const;
  // A page was read, of which so many records were meant. Its reply where that was the last.
  [[nodiscard]] std::optional<EndedReply> page_done(const EndedRead& page, std::uint64_t meant);
  // It ends as it is.
  [[nodiscard]] EndedReply give_up();

 private:
  struct Job {
    EndedAsked asked;
    std::size_t next_id = 0;
    std::uint64_t after = 0;
    EndedReply reply;
  };
  [[nodiscard]] bool is_meant(QueueNumber queue, Instant ended_at, const QueueNames& names) const;

  std::deque<Job> jobs_;
};

}  // namespace pena::core
