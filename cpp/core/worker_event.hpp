// What happens to a worker's machine (core/worker_logic), and what it wants done. The events of its streams
// are those of core/client_event.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/client_event.hpp"
#include "core/event.hpp"
#include "core/instant.hpp"
#include "core/say.hpp"
#include "core/worker_counts.hpp"
#include "core/xid.hpp"

namespace pena::core {

// ---- what became of a run: the work on one msg, from its begin to its end

struct RunDone {
  std::string result;  // compact JSON; empty: none
};
struct RunFailed {
  std::string error;
  std::optional<Duration> retry_in = std::nullopt;  // none: after the server's backoff
  bool final = false;                               // no further attempt
};
// Not done, and nothing is wrong with it: somebody else may have it at once.
struct RunGivenBack {};
using RunOutcome = std::variant<RunDone, RunFailed, RunGivenBack>;

// ---- what happened

// Each run ends once, whatever it was told meanwhile.
struct RunEnded {
  std::uint64_t run = 0;
  RunOutcome outcome;
  bool was_begun = true;  // false: nobody had taken it yet, so that it did not take too long either
};
// What became of a PostReport or a PostLeave.
struct PostTried {
  std::uint64_t number = 0;             // the post's
  Instant sent_at;                      // just before it was sent
  unsigned status = 0;                  // of the answer; 0: none came
  std::optional<std::int64_t> at_ms;    // the server's clock, where it told
  std::optional<Duration> retry_after;  // likewise
  std::string why;                      // for a person, where it was not accepted
};
// What became of an AskCounts. `left`: how many msgs wait, are to be due or are held; none: it was not told.
struct CountsTold {
  std::optional<std::uint64_t> left;
};
// The first time: what runs is finished. The second: what runs is given back.
struct WorkerStopAsked {};
struct WorkerTimeReached {};

using WorkerEvent =
    std::variant<RunEnded, PostTried, CountsTold, WorkerStopAsked, WorkerTimeReached>;

// ---- what is to be done

// A stream that asks for batches of that size. Its number is new.
struct OpenWorkerStream {
  std::uint64_t stream = 0;
  std::uint32_t batchsize = 1;
};
// Nothing more that it brings is wanted.
struct HangUp {
  std::uint64_t stream = 0;
};
struct BeginRun {
  std::uint64_t run = 0;
  Xid msg;
  std::string data;  // the event's: a JSON object
};
enum class CancelReason : std::uint8_t {
  lost,        // somebody else may be sent the msg: its stream is lost, or its lease is over
  timed_out,   // it took longer than a run may
  given_back,  // the worker was told a second time to stop
};
// What runs may look for that, and end early. It need not. One that timed out has failed, whatever it brings. What
// one that is given back brings counts if it ends within the server's stop time.
struct CancelRun {
  std::uint64_t run = 0;
  CancelReason reason = CancelReason::lost;
};
// It was cancelled, for its batch was lost; but the same msg has come again, so it goes on.
struct KeepRun {
  std::uint64_t run = 0;
};
// What became of that which a run has brought.
enum class RunFate : std::uint8_t {
  taken,
  not_taken_as_result,  // its result cannot be taken, so the msg has failed for good
  too_late,             // its batch was over: the msg is sent again, or somebody else has it
  refused,              // and so is any other report of it; the msg is sent again
};
// Told once where there was an answer.
struct RunSettled {
  std::uint64_t run = 0;
  RunFate fate = RunFate::taken;
  std::string why;  // for a person, where it was not taken
  Xid msg;
  std::optional<std::string> error = std::nullopt;  // what it was reported to have failed with
};
// To be posted to /report. What became of it is told by a PostTried.
struct PostReport {
  std::uint64_t number = 0;
  Reported report;
};
// Likewise: {"client":…,"last":true}. The client of a stream that has no batch takes none any more.
struct PostLeave {
  std::uint64_t number = 0;
  Xid client;
};
// Its answer is waited for no longer; its connection is of no more use.
struct AbandonPost {
  std::uint64_t number = 0;
};
// How many msgs the worker's queues have. Told by a CountsTold; where that does not come in time, it is abandoned
// like a post of that number.
struct AskCounts {
  std::uint64_t number = 0;
};
enum class WorkerEndReason : std::uint8_t { stopped, empty, msgs_done, refused };
// The last action. Whatever is open may be closed.
struct EndWorker {
  WorkerEndReason reason = WorkerEndReason::stopped;
  std::string text;  // one sentence for a person
};

using WorkerAction =
    std::variant<OpenWorkerStream, HangUp, BeginRun, CancelRun, KeepRun, RunSettled, PostReport,
                 PostLeave, AbandonPost, AskCounts, Say, EndWorker>;

// What the parts of the machine bring out.
struct WorkerOutput {
  std::vector<WorkerAction> actions;  // of the step that runs
  WorkerCounts counts;                // since the start

  template <class Action>
  void act(Action&& action) {
    actions.emplace_back(std::forward<Action>(action));
  }
  void say(LogLevel level, std::string text) { act(Say{level, std::move(text)}); }
  void say(std::optional<Say> line) {
    if (line) act(std::move(*line));
  }
};

}  // namespace pena::core
