// What happened: the only way into the dispatcher.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/msg.hpp"

namespace pena::core {

// Names a request that waits for its answer; the shell chooses it, the dispatcher only hands it
// back.
using RequestId = std::uint64_t;

// A msg of a submission that was accepted before, by its id or its key: what it has been asked for as, and
// what it is known as. The two differ where the key was known.
struct KnownMsg {
  Xid asked;
  Xid id;
};

// Somebody handed in msgs. None of their ids is known to the dispatcher or the store: the shell has
// left those out.
struct Submitted {
  RequestId request = 0;
  std::vector<Msg> msgs;
  bool names_ids = true;  // false: the server has just made all of them, so that none can be known
  // The `queue` of a msg is a place in this list. Empty: all are of `default`.
  std::vector<std::string> queues = {};
  // Those that are not to be sent before a date, by the wall clock; each once.
  struct Due {
    Xid id;
    Instant due_at;
  };
  std::vector<Due> later = {};
  std::vector<KnownMsg> known = {};  // those that were left out
};

// The generator made msgs, as many as Dispatcher::demand() asked for or fewer.
struct Generated {
  std::vector<Msg> msgs;
};

// What the generator can make.
enum class Supply : std::uint8_t {
  none,   // nothing: there is no generator, it has made all, or there is no room for more
  later,  // msgs at a rate: what is there waits for them no longer than the linger
  open,   // whatever is asked for, in the same round: so nothing goes out short
};
struct SupplyChanged {
  Supply supply = Supply::none;
};

// A stream was opened. `client` is new.
struct ClientJoined {
  Xid client;
  std::uint32_t batchsize = 1;
  bool takes_short =
      false;  // short=1: the client takes batches of fewer msgs, so suspects go alone
  std::optional<std::uint64_t> batches = std::nullopt;  // it wants no more than so many
  // What it takes msgs from, the first that has any before the others. Empty: `default`.
  std::vector<std::string> queues = {};
  bool submitted_only = false;  // submitted=1: nothing that the generator made
  std::string name = {};        // what people call it; empty: nothing
  std::string address = {};     // of its connection, for people; empty: nothing is known
};

// A stream ended, for whatever reason. A client that is not known is ignored.
struct ClientLost {
  Xid client;
  std::string name = {};  // that of its ClientJoined, for the log alone
};

struct FailedId {
  Xid id;
  std::string error;
  std::optional<Duration> retry_in = std::nullopt;  // none: after the backoff
  bool final = false;                               // it has failed, whatever attempts it has left
};
// What came out of a msg that was processed.
struct Result {
  Xid id;
  std::string json;  // compact
};

// A report came in. With `batch` it settles that batch and no other. Without, it settles the batch
// that holds all that it names; where there is no such batch, what it names, and nothing else. With
// `partial` it settles only what it names. With `last`, which goes with `batch` or `client`, the client that
// holds that batch is sent no other: its stream ends when the batch is settled. Where the batch is
// settled already, or its client is gone, `last` does nothing.
// With `client`, which goes with `last` alone, it settles nothing: that client is sent no other batch than
// the one that it holds, and where it holds none its stream ends at once.
struct Reported {
  RequestId request = 0;
  std::optional<Xid> batch;
  std::vector<Xid> ids;
  std::vector<FailedId> failed;
  std::vector<Xid> refused;
  bool partial = false;
  bool last = false;
  std::vector<Result> results = {};  // of msgs among `ids`, each once
  std::optional<Xid> client = std::nullopt;
};

// Msgs are to be tried again, or forgotten: those that are named, or all that fit. It is done page by page,
// with other events between, and each page is whole or not at all; one such request after the other.
struct BulkAsked {
  enum class What : std::uint8_t {
    retry,           // msgs of `fail` wait for a client again, with all their attempts
    forget_fails,    // msgs of `fail` are known no longer
    forget_reports,  // those of `report` likewise
    forget_waiting,  // those that wait in a queue or to be due; what a client holds is left alone
  };
  RequestId request = 0;
  What what = What::retry;
  std::optional<std::vector<Xid>> ids;              // each once; none: all that fit what follows
  std::optional<std::string> queue = std::nullopt;  // its name
  // Of a failed msg the error of its last miss: the whole of it, or with a '*' at its end how it begins.
  std::optional<std::string> error = std::nullopt;
  // A date: they ended before it; of msgs that wait, they were accepted before it.
  std::optional<Instant> before = std::nullopt;
  bool dry_run = false;  // they are counted alone
};

// Nothing is granted of that queue from here on, or again. It may have no msg and no client; where it goes on
// that had not stopped, nothing is written.
struct PauseAsked {
  RequestId request = 0;
  std::string queue;  // its name
  bool paused = true;
};

// Somebody wants to know how it stands: who is connected, who holds what until when, what the queues and
// the counts are, or which batches hold some msgs. It changes nothing.
struct StatusAsked {
  enum class What : std::uint8_t { clients, batches, stats, holders };
  RequestId request = 0;
  What what = What::stats;
  std::optional<std::string> queue = std::nullopt;  // its name: what has to do with it alone
  std::optional<Xid> after = std::nullopt;          // of clients and batches: exclusive
  std::string after_queue = {};                     // of the queues of `stats`: by name, exclusive
  std::size_t limit = 1000;  // of clients, batches or queues; of batches fewer where they are large
  std::vector<Xid> ids = {};  // of `holders`: the msgs
};

// The store was measured, and is about as full as it may be: a page of the oldest reports makes room, once. Or
// it is not, or no longer.
struct RoomRunsOut {
  bool does = true;
};

// The time that Dispatcher::next_timeout() named is here. One too many does nothing.
struct TimeReached {};

// The wall clock was looked at: dates are so much ahead of the time that steps are given, which is
// steady, and stands still while the machine sleeps. Only records and ids have dates.
struct ClockRead {
  Duration ahead{};
};

// The store's answer to a WantedDue, likewise, and when the next one is due behind those.
struct DueRead {
  std::uint64_t as_of = 0;
  std::vector<QueuedMsg> msgs;
  std::optional<Instant> next_due;
};

// A msg that waits in a queue; or, until its queued_at, to be due.
struct WaitingMsg {
  QueuedMsg msg;
  bool later = false;
};

// The store's answer to a WantedBulk, likewise; `more`: there are others behind the last of them.
struct BulkRead {
  std::uint64_t as_of = 0;
  std::size_t looked_up = 0;  // so many of the ids, where some were named;
  std::uint64_t up_to =
      0;  // of `report` and `fail` otherwise up to that place in the order of settling
  std::vector<FailRecord> fails;
  std::vector<ReportRecord> reports;
  std::vector<WaitingMsg> waiting;
  bool more = false;
};

// The store's answer to a WantedRefill, and to no other than the one that is asked as of now: the msgs
// after that key in the order of their ids, at most as many as were asked for, one at least where there
// is one; `more` when the queue goes on behind the last of them.
struct Refilled {
  std::uint64_t as_of = 0;  // of what was wanted
  QueueNumber queue = kDefaultQueue;
  std::vector<QueuedMsg> msgs;
  bool more = false;
};

// The store's answer to a WantedBodies, likewise: those msgs, in that order. Where they are too large for
// the window the last may be missing, though not the first.
struct BodiesRead {
  std::uint64_t as_of = 0;
  QueueNumber queue = kDefaultQueue;
  std::vector<QueuedMsg> msgs;
};

// The server is about to stop: nothing is granted from here on, reports still are accepted.
struct DrainBegan {};

using Event = std::variant<Submitted, Generated, SupplyChanged, ClientJoined, ClientLost, Reported,
                           TimeReached, ClockRead, Refilled, BodiesRead, DueRead, DrainBegan,
                           BulkAsked, BulkRead, PauseAsked, StatusAsked, RoomRunsOut>;

}  // namespace pena::core
