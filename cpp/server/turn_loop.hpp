// The thread that owns the turn: it gives it what waits in the inbox, closes the round, and hands
// on what may leave. A thread of its own, so that a slow disk never silences the heartbeats.
#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "server/clock.hpp"
#include "server/server.hpp"
#include "turn/turn.hpp"

namespace pena::server {

class TurnLoop {
 public:
  struct Hooks {
    // All are called on the loop's thread. Nothing leaves after a failure.
    std::function<void(std::vector<turn::Outgoing>)> on_released;  // what a durable round lets go
    std::function<void(std::exception_ptr)> on_failed;
    std::function<void(std::string)> on_warning = nullptr;
    std::function<void()> on_hold = nullptr;  // a round is held; for tests
  };

  // `turn` and `clock` outlive the loop. Starts at once.
  TurnLoop(turn::Turn& turn, const Clock& clock, Hooks hooks);
  ~TurnLoop();  // stop()
  TurnLoop(const TurnLoop&) = delete;
  TurnLoop& operator=(const TurnLoop&) = delete;

  // Any thread. What is pushed after stop() is dropped.
  void push(core::Event event);
  // Closes a round of what waits, then ends the thread. Not from the loop's own thread.
  void stop();
  // Likewise; false where the thread has not ended by then: the disk does not answer it.
  [[nodiscard]] bool stop_within(core::Duration patience);
  // Ends the thread as a commit that failed with `error` would, after the round that it is in. Any
  // thread.
  void fail(std::exception_ptr error);

  // Any thread.
  [[nodiscard]] turn::Full full() const { return full_; }
  [[nodiscard]] core::Counts counts() const;
  [[nodiscard]] bool generating() const;
  [[nodiscard]] turn::WaitsFor waits_for() const { return waits_for_; }

 private:
  void run();
  void loop();
  void begin_stop();
  // For what the inbox brings, as much as one round takes, until `until` at the latest. False when
  // the loop is to end and nothing is left in the inbox. Where the turn is blocked, for the log alone.
  bool wait_for_events(std::vector<core::Event>& events, std::optional<core::Instant> until);
  // Gives them to the turn. Closes the round where it is time, or where the loop does not go on.
  void run_events(std::vector<core::Event>& events, bool goes_on);
  // Where the loop goes on no more.
  void wait_for_log();
  // What is durable by now.
  void let_go();
  void note_progress();
  void publish();

  turn::Turn& turn_;
  const Clock& clock_;
  Hooks hooks_;
  // Published without the mutex: each request looks at them.
  std::atomic<turn::Full> full_ = turn::Full::no;
  std::atomic<turn::WaitsFor> waits_for_ = turn::WaitsFor::nothing;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable arrived_;
  std::vector<core::Event> inbox_;
  bool stopping_ = false;
  bool log_got_on_ = false;
  std::condition_variable over_;
  bool is_over_ = false;
  std::exception_ptr failure_;
  bool generating_ = false;
  core::Counts counts_;

  std::thread thread_;
};

}  // namespace pena::server
