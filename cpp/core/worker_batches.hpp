// What a worker holds: its batches, the runs of their msgs, and what is to be reported of them. Pure.
//
//   came ─→ running ─→ finished ─→ reported
//             │  ↑         └─ too late: its batch was over; that is said
//             │  └ the same msg came again: the run goes on, under its new batch
//             ├ its batch is lost: cancelled, and what it brings is reported all the same
//             └ it took too long, or is given back: cancelled, and that is reported when it has ended, or
//               when the stop time is over
//
// A batch is lost with its stream, with the next batch of that, or when the end of its lease is near. Its msgs
// are somebody else's then, once the server's grace is over. It is kept by reports: each third of a lease there
// is one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/client_event.hpp"
#include "core/instant.hpp"
#include "core/worker_event.hpp"
#include "core/worker_reports.hpp"
#include "core/worker_rules.hpp"
#include "core/xid.hpp"

namespace pena::core {

class WorkerBatches {
 public:
  explicit WorkerBatches(const WorkerRules& rules) : rules_(rules) {}

  // How a batch is kept, as its stream and its note tell.
  struct Keeping {
    Instant granted_at;  // or before it, on this clock
    Duration lease;      // begins again with each report
    Duration lasts;      // so long after a report, or the grant, the batch is surely held
  };
  struct Begun {
    Xid batch;
    std::uint64_t stream = 0;
    std::uint32_t size = 0;          // msgs
    std::optional<Keeping> keeping;  // none: it is held for as long as its stream
    Duration stop_time{};            // in which a run ends that is cancelled
  };
  void begin(const Begun& begun, WorkerOutput& out);
  // False where no such batch has begun.
  [[nodiscard]] bool add(const MsgArrived& msg, Instant now, WorkerOutput& out);
  // An event of it is no msg: what it has of that is given up when all else is settled.
  void pass_over(const Xid& batch);
  void ended(const RunEnded& event, WorkerOutput& out);

  // Its stream is gone.
  void lose(const Xid& batch, WorkerOutput& out);
  // All that runs is given back, and all that still comes. Returns when the last run may be reported as such.
  [[nodiscard]] Instant give_back_all(Instant now, WorkerOutput& out);
  // Runs that take too long have failed; batches whose lease nears its end are lost.
  void look_at_time(Instant now, WorkerOutput& out);
  [[nodiscard]] std::optional<Instant> next_timeout() const;

  // Those that count against the slots: until they end, also when nobody waits for it any more.
  [[nodiscard]] std::size_t running() const { return runs_.size(); }
  // Msgs of its batches that are on their way, each of which will take a slot.
  [[nodiscard]] std::size_t to_come() const;
  // Whether what a run brings is waited for.
  [[nodiscard]] bool is_working() const { return !run_of_msg_.empty(); }
  // Nothing that runs is waited for, and nothing is to be reported.
  [[nodiscard]] bool is_idle() const { return batches_.empty(); }
  // Msgs that came and of which no server has taken what became of them.
  [[nodiscard]] std::size_t unreported() const;

  // A stream whose batch is settled, as far as this side goes.
  struct Freed {
    std::uint64_t stream = 0;
    bool heard = false;  // the server took the last report at the first try
  };
  // Those since the last call.
  [[nodiscard]] std::vector<Freed> take_freed() { return std::exchange(freed_, {}); }

  // ---- reports

  // The next report that is due, if any: from here on it is under way, with that number.
  struct Sent {
    Reported report;
    std::uint64_t stream = 0;  // that has the batch; 0: it is lost
    bool ends = false;         // with it all of the batch is settled
  };
  [[nodiscard]] std::optional<Sent> send_next(std::uint64_t number, Instant now);
  // What became of one. Nothing where it is not waited for any more.
  struct Tried {
    std::uint64_t stream = 0;  // that had the batch; 0: it is lost
    bool failed = false;       // no answer, or none that says anything
    bool accepted = false;
  };
  [[nodiscard]] std::optional<Tried> tried(const PostTried& what, Instant now, std::uint64_t chance,
                                           WorkerOutput& out);
  // Those whose answers have not come in time.
  [[nodiscard]] std::vector<std::uint64_t> late_posts(Instant now) const;
  [[nodiscard]] std::vector<std::uint64_t> posts() const;
  void hurry();

 private:
  struct Batch {
    explicit Batch(std::size_t report_bytes) : reports(report_bytes) {}
    std::uint64_t stream = 0;  // 0: that is gone, or has another batch
    std::uint32_t size = 0, arrived = 0;
    bool lost = false;
    bool is_over = false;      // the server said so: what finishes now is too late
    bool has_strange = false;  // it has events that are no msgs
    bool gives_up = false;     // the report that is under way gives those up
    bool heard = false;        // the last report was taken, and none before it was in doubt
    bool in_doubt = false;     // a report was not answered, so that it may have been taken
    std::optional<Keeping> keeping;
    Duration stop_time{};
    Instant kept_at;                      // the grant, or the last report that was taken
    Instant refused_at = Instant::min();  // the last that was refused
    std::set<Xid> open;                   // its msgs that are not settled
    WorkerReports reports;
    [[nodiscard]] bool has_finished() const {
      return (stream == 0 || arrived >= size) && reports.size() == open.size();
    }
    // What of it still comes has to find it here.
    [[nodiscard]] bool is_settled() const {
      return open.empty() && reports.empty() && (stream == 0 || arrived >= size) &&
             (lost || !has_strange);
    }
    [[nodiscard]] bool has_to_give_up() const { return has_strange && !lost && has_finished(); }
    [[nodiscard]] bool has_to_send(Instant now) const;
    [[nodiscard]] std::optional<Instant> next_timeout() const;
    [[nodiscard]] Instant keep_at() const {
      return std::max(kept_at, refused_at) + keeping->lease / 3;
    }
    [[nodiscard]] Instant lost_at() const { return kept_at + keeping->lasts; }
    // Where its lease is kept.
    [[nodiscard]] std::optional<Instant> lost_by() const {
      return keeping && !lost && stream != 0 ? std::optional{lost_at()} : std::nullopt;
    }
  };
  struct Run {
    Xid msg;
    Xid batch;
    Instant begun_at;
    bool cancelled = false;  // for its batch is lost
    bool timed_out = false;
    std::optional<Instant> stop_by =
        std::nullopt;         // it took too long or is given back: what it brings has that time
    bool is_decided = false;  // its outcome is known, and it goes on all the same
  };
  void begin_run(const MsgArrived& msg, Instant now, WorkerOutput& out);
  void lose(Batch& batch, const Xid& id, WorkerOutput& out);
  void keep_again(Batch& batch, const Xid& id, Instant now, WorkerOutput& out);
  [[nodiscard]] bool adopt(const Xid& msg, const Xid& batch, WorkerOutput& out);
  void hand_over(std::uint64_t number, Run& run, const Xid& to, WorkerOutput& out);
  void time_out(std::uint64_t number, Run& run, Instant now, WorkerOutput& out);
  void stop(std::uint64_t number, Run& run, CancelReason reason, Instant now, WorkerOutput& out);
  [[nodiscard]] RunOutcome outcome_of(const Run& run) const;
  void look_at_runs(Instant now, WorkerOutput& out);
  void decide(std::uint64_t number, Run& run, RunOutcome outcome, WorkerOutput& out);
  [[nodiscard]] std::optional<Instant> next_of_runs() const;
  static void count(const RunOutcome& outcome, WorkerOutput& out);
  void settle(const Xid& id, const std::vector<Xid>& msgs);
  void erase_if_settled(const Xid& id);
  static void say_too_late(std::size_t msgs, WorkerOutput& out);
  static void say_refused(std::size_t msgs, const std::string& why, WorkerOutput& out);

  WorkerRules rules_;
  std::map<Xid, Batch> batches_;
  std::map<std::uint64_t, Run> runs_;        // by number, so by age
  std::map<Xid, std::uint64_t> run_of_msg_;  // of those that are not decided
  std::set<Xid> outlived_;                   // the msgs of the others
  std::map<std::uint64_t, Xid> posts_;       // reports under way
  std::vector<Freed> freed_;
  bool gives_back_ = false;  // what comes, too
  std::uint64_t last_run_ = 0;
};

}  // namespace pena::core
