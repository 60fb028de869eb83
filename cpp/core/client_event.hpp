// What happens to a client's machine (core/client_logic), and what it wants done.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/client_counts.hpp"
#include "core/instant.hpp"
#include "core/limits.hpp"
#include "core/report_outbox.hpp"
#include "core/say.hpp"
#include "core/xid.hpp"

namespace pena::core {

// ---- what happened to a stream

// It is connected, and its request leaves now.
struct StreamAsked {};
// The head of its answer came. `requested_at`: just before its request was sent.
struct StreamOpened {
  Instant requested_at;
  Timing timing;  // as the server's headers tell; the defaults where a foreign server tells nothing
  bool promises_silence = true;  // false: it may say nothing for as long as it likes
  bool promises_lease = true;    // false: a batch may take any time, where its note says no other
  std::optional<Xid> client = std::nullopt;  // as the server calls it, where that says so
};
// The answer is no stream: its sentence is read, and a StreamClosed tells it.
struct StreamRefused {};
// A comment of the stream that says something.
struct NoteArrived {
  std::optional<Xid> batch;
  std::uint32_t size = 0;
  std::optional<std::int64_t> at_ms;  // the server's clock
  std::optional<Duration> lease = std::nullopt;
};
struct MsgArrived {
  Xid id;
  std::uint32_t period = 0;
  std::optional<Xid> batch;
  std::string data = {};  // of the event, where that is asked for
};
// An event that is no msg.
struct StrangeArrived {
  std::string data;  // or its beginning
  std::optional<Xid> batch;
};
// Bytes of the stream came, whatever they were.
struct StreamHeard {};
// The stream ended, or could not be opened.
struct StreamClosed {
  std::string why;                      // for a person
  unsigned status = 0;                  // of an answer that was no stream
  std::optional<Duration> retry_after;  // where that asked for it
  bool is_unreadable = false;           // it was given up, for it is no stream to be read on
};

using StreamEvent = std::variant<StreamAsked, StreamOpened, StreamRefused, NoteArrived, MsgArrived,
                                 StrangeArrived, StreamHeard, StreamClosed>;

// ---- what happened otherwise

struct WorkEnded {
  Xid id;
  bool panicked = false;
};
// What a StopWork asked for is done: nobody works on it any more.
struct WorkStopped {
  Xid id;
};
struct StopAsked {};
struct ClientTimeReached {};

using ClientEvent = std::variant<WorkEnded, WorkStopped, ReportTried, StopAsked, ClientTimeReached>;

// ---- what is to be done

struct OpenStream {
  std::uint64_t stream = 0;              // its number
  std::optional<std::uint64_t> batches;  // no more than these are wanted of it
};
// The one that was opened last, whatever it has come to.
struct CloseOwnStream {};
// The report that is under way waits for its answer no longer: its connection is of no more use.
struct AbandonReport {};
struct StartWork {
  Xid id;
  std::uint32_t period = 0;
  bool panics = false;
};
// Work that is stopped ends with a WorkStopped, or with the WorkEnded that was on its way. The report
// of its batch leaves when the last of them is over: it gives the msgs up, so that another client
// may have them at once.
struct StopWork {
  Xid id;
};
enum class ClientEndReason { stopped, period_too_long, batches_done, refused };
// The last action. Whatever is open may be closed.
struct EndClient {
  ClientEndReason reason = ClientEndReason::stopped;
  std::string text;
  std::optional<Xid> msg;
};

using ClientAction = std::variant<OpenStream, CloseOwnStream, StartWork, StopWork, SendReport,
                                  AbandonReport, Say, EndClient>;

// What the parts of the machine bring out.
struct ClientOutput {
  std::vector<ClientAction> actions;  // of the step that runs
  ClientCounts counts;                // since the start; `running` is now

  template <class Action>
  void act(Action&& action) {
    actions.emplace_back(std::forward<Action>(action));
  }
  void say(std::optional<Say> line) {
    if (line) actions.emplace_back(std::move(*line));
  }
};

}  // namespace pena::core
