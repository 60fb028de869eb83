// A worker: takes msgs from a server, hands them to whoever works on them, and reports what became of each as it
// ends. It keeps the lease of what is worked on, from a thread of its own that no work can hold up; where the
// server is away it comes back. docs/worker-machine.md says how.
//
//   pena::client::Worker worker({.url = "http://127.0.0.1:8080", .queues = {"mail"}, .slots = 4});
//   while (auto work = worker.take()) {           // as many threads as it has slots
//     worker.done(work->run, R"({"sent":true})");  // or failed(…), or give_back(…)
//   }
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/settings_error.hpp"
#include "client/worker_stats.hpp"
#include "core/log.hpp"
#include "core/xid.hpp"

namespace pena::client {

// What became of that which a run has brought.
enum class Fate {
  taken,
  not_taken_as_result,  // its result cannot be taken, so the msg has failed for good
  too_late,             // its batch was over: the msg is sent again, or somebody else has it
  refused,              // likewise, for the server refuses its report
};
struct Settled {
  std::uint64_t run = 0;
  Fate fate = Fate::taken;
  std::string why;  // for a person, where it was not taken
  core::Xid msg;
  std::optional<std::string> error = std::nullopt;  // what it was reported to have failed with
};

struct WorkerSettings {
  std::string url = "http://127.0.0.1:8080";
  // What it takes msgs from, the first that has any before the others. Empty: `default`.
  std::vector<std::string> queues = {};
  std::string name = {};    // what people call it: up to 64 bytes; empty: nothing
  std::uint32_t slots = 1;  // msgs that are worked on at once
  // Bytes, up to 2 GiB; a server takes 256 KiB unless it is told otherwise (`--max-payload`). A msg whose payload is
  // larger by more than 4 KiB fails, and the log has an error: it may be another worker's, when it comes again.
  std::size_t max_payload = std::size_t{16} << 20U;
  bool generated = false;  // takes what the server's generator made, too
  // A msg that is worked on for longer has failed; its slot is free when its work ends.
  std::optional<std::chrono::milliseconds> timeout = std::nullopt;
  std::optional<std::uint64_t> max_msgs = std::nullopt;  // it ends behind so many
  bool until_empty =
      false;  // it ends when its queues have no msg: none waits, is due later or is held
  std::optional<std::uint64_t> seed = std::nullopt;  // of the jitter; none: random
  // The longest wait before the first reconnect, or retry of a report; doubles, up to the second.
  std::chrono::milliseconds backoff_first{100};
  std::chrono::milliseconds backoff_most{5000};
  // For the server to take the last reports, once it was told to stop and nothing is worked on any more.
  std::chrono::milliseconds stop_patience{10'000};
  core::LogSink log = {};  // none: silent
  // Told once of each run whose report was answered, in the worker's thread, which waits for it: so it must not wait
  // for the worker. Also of one that nobody took, for its msg was too large or was given back at once. What it throws
  // is logged.
  std::function<void(const Settled&)> settled = {};
  // Likewise of each of `queues` of which the server has no msg, not even one that has ended, where the worker is
  // to end when they are empty: it may be misspelt.
  std::function<void(const std::string&)> unknown_queue = {};
};

// Throws SettingsError for the first setting that cannot be. The constructor of Worker calls it.
void check(const WorkerSettings& settings);

// A msg that is to be worked on, until its run is ended.
struct Work {
  std::uint64_t run = 0;
  core::Xid msg;
  std::string data;  // {"id":…,"period":…[,"payload":…][,"queue":…][,"key":…][,"attempt":…]}
};
enum class CancelReason {
  lost,        // somebody else may be sent the msg; what comes of it is reported all the same
  timed_out,   // it took longer than the timeout: it has failed, whatever it brings
  given_back,  // the worker was told a second time to stop: somebody else may have it
};
struct Cancelled {
  std::uint64_t run = 0;
  std::optional<CancelReason> reason;  // none: it is not cancelled any more, for the msg came again
};

enum class WorkerEndReason {
  stopped,    // stop() was called
  empty,      // its queues are empty
  msgs_done,  // it has worked on max_msgs
  refused,    // the server answered with an error that a retry does not mend (4xx)
};
[[nodiscard]] std::string_view word(WorkerEndReason reason);

struct WorkerEnd {
  WorkerEndReason reason = WorkerEndReason::stopped;
  std::string text;  // one sentence for a person
};

// All members may be called from any thread.
class Worker {
 public:
  // Starts at once and connects in the background. Throws SettingsError, and std::runtime_error
  // where its thread cannot start.
  explicit Worker(WorkerSettings settings);
  ~Worker();  // stop(), twice: what is worked on is given back
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // The next msg, waited for at most `timeout` (none: for ever). Nothing where none came in time, or where
  // the worker has ended and none will come.
  [[nodiscard]] std::optional<Work> take(
      std::optional<std::chrono::milliseconds> timeout = std::nullopt);

  // How a run has ended. The first counts; one that is not known is ignored. A result that is no JSON throws
  // std::invalid_argument, and the run goes on.
  void done(std::uint64_t run, std::string result = {});  // JSON; empty: none
  void failed(std::uint64_t run, std::string error,
              std::optional<std::chrono::milliseconds> retry_in = std::nullopt, bool final = false);
  void give_back(std::uint64_t run);

  // Why nobody waits for what a run brings, or somebody else may have its msg; nothing otherwise.
  [[nodiscard]] std::optional<CancelReason> cancelled(std::uint64_t run) const;
  // What has changed in that since the last call, waited for likewise; nothing where the worker has ended.
  [[nodiscard]] std::vector<Cancelled> take_cancelled(
      std::optional<std::chrono::milliseconds> timeout = std::nullopt);
  // A file descriptor that can be read while there is something to take, or once the worker has ended: for
  // loops that wait for many things. It is the worker's.
  [[nodiscard]] int ready_descriptor() const;

  // The first call: no more msgs are taken, what is worked on is finished and reported, and the worker ends.
  // The second: what is worked on is given back, and it ends a second behind the server's stop time at the latest.
  // Neither waits.
  void stop();
  // Waits until the worker has ended, at most `timeout` (none: for ever). The end, or nothing if it still
  // runs. Throws what ended it where that was no end but a failure, such as memory that is out.
  std::optional<WorkerEnd> wait(std::optional<std::chrono::milliseconds> timeout = std::nullopt);
  [[nodiscard]] bool running() const;
  [[nodiscard]] WorkerStats stats() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pena::client
