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

// Somebody handed in msgs. None of their ids is known to the dispatcher or the store: the shell has
// left those out.
struct Submitted {
  RequestId request = 0;
  std::vector<Msg> msgs;
  bool names_ids = true;  // false: the server has just made all of them, so that none can be known
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
};

// A stream ended, for whatever reason. A client that is not known is ignored.
struct ClientLost {
  Xid client;
};

struct FailedId {
  Xid id;
  std::string error;
};

// A report came in. With `batch` it settles that batch and no other. Without, it settles the batch
// that holds all that it names; where there is no such batch, what it names, and nothing else. With
// `partial` it settles only what it names. With `last`, which goes with `batch`, the client that
// holds that batch is sent no other: its stream ends when the batch is settled. Where the batch is
// settled already, or its client is gone, `last` does nothing.
struct Reported {
  RequestId request = 0;
  std::optional<Xid> batch;
  std::vector<Xid> ids;
  std::vector<FailedId> failed;
  std::vector<Xid> refused;
  bool partial = false;
  bool last = false;
};

// The time that Dispatcher::next_timeout() named is here. One too many does nothing.
struct TimeReached {};

// The wall clock was looked at: dates are so much ahead of the time that steps are given, which is
// steady, and stands still while the machine sleeps. Only records and ids have dates.
struct ClockRead {
  Duration ahead{};
};

// The store's answer to a WantedRefill, and to no other than the one that is asked as of now: the msgs
// after that key in the order of their ids, at most as many as were asked for, one at least where there
// is one; `more` when the queue goes on behind the last of them.
struct Refilled {
  std::uint64_t as_of = 0;  // of what was wanted
  std::vector<QueuedMsg> msgs;
  bool more = false;
};

// The store's answer to a WantedBodies, likewise: those msgs, in that order. Where they are too large for
// the window the last may be missing, though not the first.
struct BodiesRead {
  std::uint64_t as_of = 0;
  std::vector<QueuedMsg> msgs;
};

// The server is about to stop: nothing is granted from here on, reports still are accepted.
struct DrainBegan {};

using Event = std::variant<Submitted, Generated, SupplyChanged, ClientJoined, ClientLost, Reported,
                           TimeReached, ClockRead, Refilled, BodiesRead, DrainBegan>;

}  // namespace pena::core
