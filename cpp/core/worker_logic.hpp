// The machine of a worker: how it takes work for whoever does it, be that a handler in Python, a command or a
// function. Pure: time comes in with every event, the jitter from a seed. A shell (client/, sim/) opens and
// closes connections, sets one timer, runs what it is told to and hands on what it hears.
//
//   worker_streams   the streams that it has
//   worker_batches   what it holds and works on
//   worker_reports   what it has to report of a batch
//
// This file ties them: how much it has room for, what a lost stream does, the end. docs/worker-machine.md
// says why it is so.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/client_event.hpp"
#include "core/instant.hpp"
#include "core/worker_batches.hpp"
#include "core/worker_counts.hpp"
#include "core/worker_event.hpp"
#include "core/worker_rules.hpp"
#include "core/worker_streams.hpp"

namespace pena::core {

class WorkerLogic {
 public:
  explicit WorkerLogic(const WorkerRules& rules);

  // The first action is to open a stream.
  [[nodiscard]] std::vector<WorkerAction> start(Instant now);
  [[nodiscard]] std::vector<WorkerAction> step(const WorkerEvent& event, Instant now);
  // Of the stream with that number. What one says that was given up is ignored: so a shell may tell all
  // that it hears.
  [[nodiscard]] std::vector<WorkerAction> step(std::uint64_t stream, const StreamEvent& event,
                                               Instant now);
  // When it wants a WorkerTimeReached, if at all.
  [[nodiscard]] std::optional<Instant> next_timeout() const;
  [[nodiscard]] const WorkerCounts& counts() const { return out_.counts; }
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  void on(const RunEnded& event, Instant now);
  void on(const PostTried& event, Instant now);
  void on(const CountsTold& event, Instant now);
  void on(const WorkerStopAsked& event, Instant now);
  void on(const WorkerTimeReached& event, Instant now);

  void on(std::uint64_t stream, const StreamAsked& event, Instant now);
  void on(std::uint64_t stream, const StreamOpened& event, Instant now);
  void on(std::uint64_t stream, const StreamRefused& event, Instant now);
  void on(std::uint64_t stream, const NoteArrived& event, Instant now);
  void on(std::uint64_t stream, const MsgArrived& event, Instant now);
  void on(std::uint64_t stream, const StrangeArrived& event, Instant now);
  void on(std::uint64_t stream, const StreamHeard& event, Instant now);
  void on(std::uint64_t stream, const StreamClosed& event, Instant now);

  [[nodiscard]] std::vector<WorkerAction> take_actions(Instant now);
  void go_on(Instant now);
  void send_reports(Instant now);
  void send_leaves(Instant now);
  void ask_for_time(Instant now);
  void look_for_empty(Instant now);
  void look_for_end(Instant now);
  void lose(const std::optional<Xid>& batch);
  void look_at_time(Instant now);
  void abandon_late(Instant now);
  void leave_tried(std::uint64_t stream, const PostTried& event, Instant now);
  void report_tried(const PostTried& event, Instant now);
  void say_trouble(bool failed, const PostTried& event);
  [[nodiscard]] std::optional<std::uint64_t> msgs_left() const;  // that may still be begun
  [[nodiscard]] std::size_t room() const;
  void begin_stop(WorkerEndReason reason, std::string text);
  void end(EndWorker end);
  [[nodiscard]] std::uint64_t dice();

  // A post that is no report of a batch.
  struct Post {
    std::uint64_t stream = 0;
    bool leaves = false;  // it says so; or it asks for the time
    Instant answer_by;
  };

  WorkerRules rules_;
  WorkerOutput out_;
  WorkerStreams streams_;
  WorkerBatches batches_;
  std::map<std::uint64_t, Post> posts_;
  std::uint64_t last_post_ = 0;
  std::uint64_t random_ = 0;
  bool in_trouble_ = false;  // reports are not taken, and that was said

  // For until_empty.
  std::optional<std::uint64_t> asked_;  // that question is not answered
  Instant counts_by_;
  bool is_stale_ = false;     // and will be from before the last work
  unsigned empty_looks_ = 0;  // in a row
  std::optional<Instant> ask_at_;
  Duration ask_wait_{};

  std::optional<EndWorker> stopping_;
  bool was_asked_to_stop_ = false;
  bool gives_back_ = false;         // it was asked to stop a second time
  std::optional<Instant> stop_by_;  // once nothing is worked on any more
  bool ended_ = false;
};

}  // namespace pena::core
