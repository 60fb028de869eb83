// What a worker owes its server and its handlers, judged by what passes its shell and nothing that its machine says
// of itself.
//
//   once_a_process    a msg is not begun while a run of it goes on
//   begun_while_held  a run is begun of a batch that is not lost
//   asks_for_room     its free streams never ask for more msgs than it has idle slots
//   asks_for_work     it asks for work whenever slots are idle, whatever the others do
//   outcomes_arrive   what a run brought is reported, and again until the server takes it or says that it is too
//                     late; one report of a batch is under way at a time
//   retry_after       not before the server asked for, but on its way to the end
//   leases_kept       of a batch that is not lost and works a report leaves three times in each lease
//   lost_for_a_reason what it works on is given up where its stream is gone, the server said so, or its lease nears its
//                     end
//   last_word         a report is the last of its stream only with the last msg of its batch
//   run_time          a run that takes longer than it may is told to end
//   two_looks         its queues are taken for empty where two looks in a row found nothing, with no work between
//   stops             it ends in time, opens no stream on the way, and breaks off nothing but where told to
//
// All times are of the worker's own clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "core/client_event.hpp"
#include "core/instant.hpp"
#include "core/limits.hpp"
#include "core/worker_event.hpp"
#include "core/worker_rules.hpp"

namespace pena::sim {

class WorkerLaw {
 public:
  // `who`: for the sentence.
  WorkerLaw(std::string who, const core::WorkerRules& rules, const core::Timing& timing)
      : who_(std::move(who)), rules_(rules), timing_(timing) {}

  // ---- what the machine is told, before it is; each throws LawBroken
  void hears(std::uint64_t stream, const core::StreamEvent& event, core::Instant now);
  void hears(const core::WorkerEvent& event, core::Instant now);
  // ---- and what it wants
  void wants(const core::WorkerAction& action, core::Instant now);
  // By now something should have followed.
  void look(core::Instant now);

 private:
  struct Stream {
    std::uint32_t batchsize = 0;
    std::optional<core::Xid> batch;
    bool ends = false;  // it was said that it takes no more
  };
  struct Batch {
    std::uint64_t stream = 0;
    std::uint32_t to_come = 0;
    bool lost = false;
    bool is_over = false;      // the server said so
    std::set<core::Xid> open;  // msgs of it that came and are not settled
    core::Instant kept_at;     // when it came, or a report of it left, or was answered
    core::Instant taken_at;    // when it came, or the last report that was taken left
    bool was_kept = false;     // by such a report
    core::Instant owes_since;  // something is to be reported
    std::optional<std::uint64_t> under_way;
    core::Duration wait{};     // the longest before the next report, behind the last answer,
    core::Instant not_before;  // and when the server wants it at the soonest
  };
  struct Run {
    core::Xid msg;
    core::Xid batch;
    core::Instant begun_at;
    std::optional<core::CancelReason> cancelled;
    std::optional<core::Instant> ends_by;  // what it brings is not waited for any longer
  };
  // Of a msg of a batch, and to be reported.
  using Owed = std::pair<core::Xid, core::Xid>;
  struct Outcome {
    core::RunOutcome what;
    bool any = false;       // the run was told to end: what it brought need not count
    bool is_other = false;  // it stands in the place of one that was not taken
  };
  struct Post {
    std::optional<core::Xid> batch;
    std::set<core::Xid> msgs;
    core::Instant sent_at;
    bool keeps = false;  // perhaps a lease, whose end an answer cannot be waited for
  };

  void heard(std::uint64_t stream, const core::NoteArrived& note, core::Instant now);
  void heard(std::uint64_t stream, const core::MsgArrived& msg, core::Instant now);
  void heard(std::uint64_t stream, const core::StreamClosed& closed, core::Instant now);
  template <class Other>
  void heard(std::uint64_t /*stream*/, const Other& /*other*/, core::Instant /*now*/) {}
  void heard(const core::RunEnded& ended, core::Instant now);
  void heard(const core::PostTried& tried, core::Instant now);
  void heard(const core::CountsTold& told, core::Instant now);
  void heard(const core::WorkerStopAsked& asked, core::Instant now);
  void heard(const core::WorkerTimeReached& /*event*/, core::Instant /*now*/) {}

  void want(const core::OpenWorkerStream& open, core::Instant now);
  void want(const core::HangUp& hang_up, core::Instant now);
  void want(const core::BeginRun& begin, core::Instant now);
  void want(const core::CancelRun& cancel, core::Instant now);
  void want(const core::KeepRun& keep, core::Instant now);
  void want(const core::PostReport& post, core::Instant now);
  void want(const core::PostLeave& leave, core::Instant now);
  void want(const core::AbandonPost& abandon, core::Instant now);
  void want(const core::EndWorker& end, core::Instant now);
  template <class Other>
  void want(const Other& /*other*/, core::Instant /*now*/) {}

  void stream_is_gone(std::uint64_t stream);
  void lose(const core::Xid& batch);
  void hand_over(const core::Xid& msg, const core::Xid& from, const core::Xid& to,
                 core::Instant now);
  [[nodiscard]] static core::RunOutcome unless_it_ends(const Run& run);
  void free_stream_of(const core::Xid& batch);
  void is_over(const core::Xid& batch, core::Instant now);
  void take_in();
  void settle(const core::Xid& batch, const std::set<core::Xid>& msgs);
  [[nodiscard]] bool gives_up(const core::Xid& batch, const std::set<core::Xid>& msgs);
  void answered(const Post& post, const core::PostTried& tried, core::Instant now);
  void check_named(const core::Reported& report, std::set<core::Xid>& named);
  void check_last(const core::PostReport& post, const std::set<core::Xid>& named);
  void check_lost(const Run& run, core::Instant now) const;
  void check_room(const std::string& what) const;
  void look_at(const core::Xid& id, const Batch& batch, core::Instant now) const;
  void look_at_runs(core::Instant now) const;
  void look_for_work(core::Instant now);
  void look_for_rest(core::Instant now);
  void look_for_end(core::Instant now) const;
  [[nodiscard]] bool works() const;
  [[nodiscard]] core::Duration longest_wait(std::optional<core::Duration> retry_after) const;
  void breaks(bool is_broken, const char* law, const std::string& what) const;

  static constexpr unsigned kLooks = 2;
  static constexpr core::Duration kForAnAnswer = std::chrono::seconds{10};
  // For rounding, and what else a step waits for.
  static constexpr core::Duration kMoment = std::chrono::milliseconds{100};

  std::string who_;
  core::WorkerRules rules_;
  core::Timing timing_;
  std::map<std::uint64_t, Stream> streams_;
  std::map<core::Xid, Batch> batches_;
  std::map<std::uint64_t, Run> runs_;
  std::map<Owed, Outcome> outcomes_;  // that no server has taken
  std::map<std::uint64_t, Post> posts_;
  struct Came {
    std::uint64_t stream = 0;
    core::MsgArrived msg;
    core::Instant at;
  };
  std::optional<Came> came_;  // a msg that is not taken in
  core::Xid brought_by_;      // the batch of the last that was
  std::uint64_t begun_ = 0;
  unsigned empty_looks_ = 0;
  unsigned stops_ = 0;                     // it was asked to,
  bool is_told_to_stop_ = false;           // and is in this step
  std::optional<core::Instant> rests_at_;  // since then it works on nothing
  std::optional<core::Instant> idle_since_;
};

}  // namespace pena::sim
