// What a worker has to report of one batch: one report at a time, each with all that has finished since the
// last one left. Pure.
//
//   answer              what follows
//   2xx                 what it names is settled, and the lease of the rest begins again
//   408, 425, 429, 5xx  it goes back to what waits, and leaves again after a wait that grows (core/retry)
//   none in 10 s        the same; one that comes later is not listened to. Of a lease that is kept an answer has
//                       half of what is left, and no wait is longer than that, so that several tries fit into it
//   409                 the batch is over: what it names came too late. Where it names nothing the grace may
//                       still run, in which the server takes what has finished.
//   400, 413, 422       half as much the next time, for one of its msgs may be the cause; of one alone that it
//                       has failed, for its result can never be taken, or another error for its own
//   any other           what it names is given up: the server sends those msgs again when the lease is over
//
// All are partial, so that none settles by mistake what is still worked on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "core/event.hpp"
#include "core/instant.hpp"
#include "core/retry.hpp"
#include "core/worker_event.hpp"
#include "core/xid.hpp"

namespace pena::core {

class WorkerReports {
 public:
  // `most_bytes`: of results and errors in one report, where it has more than one msg.
  explicit WorkerReports(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  // A msg has finished. An error is cut where it is longer than any server keeps. `run`: that brought the outcome;
  // 0: none did.
  void add(const Xid& msg, RunOutcome outcome, std::uint64_t run = 0);
  struct TakenDone {
    RunDone done;
    std::uint64_t run = 0;
  };
  // What is to be reported of that msg, where it is done; it is forgotten here.
  [[nodiscard]] std::optional<TakenDone> take_done(const Xid& msg);

  // Whether anything is to be brought in.
  [[nodiscard]] bool empty() const { return waiting_.empty() && !answer_by_; }
  [[nodiscard]] bool is_under_way() const { return answer_by_.has_value(); }
  // So many have finished and are not settled.
  [[nodiscard]] std::size_t size() const { return waiting_.size() + sent_.size(); }
  // Whether a report may leave now, if there is anything to say.
  [[nodiscard]] bool may_send(Instant now) const {
    return !answer_by_ && (!sends_at_ || now >= *sends_at_);
  }
  [[nodiscard]] bool has_waiting() const { return !waiting_.empty(); }

  // The next report, without its batch: what waits, or as much of it as goes. From now on it is under way.
  // `lost_by`: when the lease is given up, where it is kept.
  [[nodiscard]] Reported send(std::uint64_t number, Instant now,
                              std::optional<Instant> lost_by = std::nullopt);
  // Whether that is the one which is under way.
  [[nodiscard]] bool is(std::uint64_t number) const { return answer_by_ && number == number_; }

  enum class Fate : std::uint8_t { again, accepted, too_late, not_kept, refused };
  struct Tried {
    Fate fate = Fate::again;
    std::vector<Xid> msgs;         // that are settled by it, one way or another
    std::vector<RunSettled> runs;  // of those
    std::size_t too_late = 0;      // of those that were not given back
    bool failed = false;           // no answer, or none that says anything
    bool is_cut = false;           // the result of one cannot be taken
  };
  // What became of the one under way. `chance`: any number.
  [[nodiscard]] Tried tried(const PostTried& what, const RetryRules& rules, Instant now,
                            std::uint64_t chance, std::optional<Instant> lost_by = std::nullopt);
  [[nodiscard]] bool is_late(Instant now) const { return answer_by_ && now >= *answer_by_; }
  [[nodiscard]] std::uint64_t number() const { return number_; }
  // No wait before the next.
  void hurry() { sends_at_.reset(); }
  // Of the one that is under way: waited for no longer.
  [[nodiscard]] std::optional<Instant> answer_by() const { return answer_by_; }
  // Behind a failure: not before.
  [[nodiscard]] std::optional<Instant> sends_at() const { return sends_at_; }

 private:
  struct Finished {
    Xid msg;
    RunOutcome outcome;
    std::uint64_t run = 0;
    bool is_cut = false;  // it stands in the place of one that could not be taken
  };
  void put_back();
  [[nodiscard]] Tried settled_as(Fate fate, const std::string& why = {});
  [[nodiscard]] Tried not_taken(const PostTried& what);

  std::size_t most_bytes_;
  std::size_t most_msgs_ = SIZE_MAX;  // of one report, behind one that was too large
  std::deque<Finished> waiting_;
  std::vector<Finished> sent_;        // by the report that is under way
  std::optional<Instant> sends_at_;   // not before: the wait behind a failure
  std::optional<Instant> answer_by_;  // of the report that is under way
  std::uint64_t number_ = 0;          // of the last report
  unsigned failures_ = 0;             // in a row
};

}  // namespace pena::core
