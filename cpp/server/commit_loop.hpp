// The thread that owns the dispatcher: it takes what waits in the inbox, steps each event, commits
// once, and hands on what may leave. A thread of its own, so that a slow disk never silences the
// heartbeats.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "server/clock.hpp"
#include "server/commit_pace.hpp"
#include "server/server.hpp"
#include "store/committer.hpp"

namespace pena::server {

class CommitLoop {
 public:
  struct Hooks {
    // All are called on the loop's thread. Nothing leaves after a failure.
    std::function<void(std::vector<store::Outgoing>)> on_committed;
    std::function<void(std::exception_ptr)> on_failed;
    std::function<void(std::string)> on_warning = nullptr;
    std::function<void()> on_hold = nullptr;  // a round is about to be held; for tests
  };

  // `committer` and `clock` outlive the loop. Starts at once.
  CommitLoop(store::Committer& committer, const Clock& clock, Hooks hooks);
  ~CommitLoop();  // stop()
  CommitLoop(const CommitLoop&) = delete;
  CommitLoop& operator=(const CommitLoop&) = delete;

  // Any thread. What is pushed after stop() is dropped.
  void push(core::Event event);
  // Commits what waits, then ends the thread. Not from the loop's own thread.
  void stop();
  // Likewise; false where the thread has not ended by then: the disk does not answer it.
  [[nodiscard]] bool stop_within(core::Duration patience);
  // Ends the thread as a commit that failed with `error` would, after the round that it is in. Any
  // thread.
  void fail(std::exception_ptr error);

  // Any thread.
  [[nodiscard]] store::Full full() const;
  [[nodiscard]] core::Counts counts() const;
  [[nodiscard]] bool generating() const;
  [[nodiscard]] store::WaitsFor waits_for() const;

 private:
  void run();
  void commit_all();
  void begin_stop();
  // For what the inbox brings, as much as one round takes, until `until` at the latest. False when
  // the loop is to end and nothing is left in the inbox.
  bool wait_for_events(std::vector<core::Event>& events, std::optional<core::Instant> until);
  void take_and_commit(std::vector<core::Event>& events);
  void take(std::vector<core::Event>& events);
  void look_at_clock(core::Instant now);
  // Looks out for work that the round's commit can be shared with.
  void hold_round(std::vector<core::Event>& events);
  void publish();

  store::Committer& committer_;
  const Clock& clock_;
  Hooks hooks_;
  CommitPace pace_;
  core::Duration clock_ahead_{};  // as the committer was told last

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable arrived_;
  std::vector<core::Event> inbox_;
  bool stopping_ = false;
  std::condition_variable over_;
  bool is_over_ = false;
  std::exception_ptr failure_;
  store::Full full_ = store::Full::no;
  bool generating_ = false;
  store::WaitsFor waits_for_ = store::WaitsFor::nothing;
  core::Counts counts_;

  std::thread thread_;
};

}  // namespace pena::server
