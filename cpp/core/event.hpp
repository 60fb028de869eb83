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

// The generator will make no more: what waits goes out in short batches from now on.
struct GeneratorEnded {};

// A stream was opened. `session` is new.
struct ClientJoined {
  Xid session;
  std::uint32_t batchsize = 1;
  bool takes_short =
      false;  // short=1: the client takes batches of fewer msgs, so suspects go alone
};

// A stream ended, for whatever reason. A session that is not known is ignored.
struct ClientLost {
  Xid session;
};

struct FailedId {
  Xid id;
  std::string error;
};

// A report came in. With `batch` it settles that batch and no other; without, every batch that
// holds one of its ids. With `partial` it settles only what it names.
struct Reported {
  RequestId request = 0;
  std::optional<Xid> batch;
  std::vector<Xid> ids;
  std::vector<FailedId> failed;
  std::vector<Xid> refused;
  bool partial = false;
};

// The time that Dispatcher::next_timeout() named is here. One too many does nothing.
struct TimeReached {};

// The store's answer to Dispatcher::wanted_refill(): the msgs after that key in the order of their
// ids, at most as many as were asked for; `more` when the queue goes on behind the last of them.
struct Refilled {
  std::vector<QueuedMsg> msgs;
  bool more = false;
};

// The server is about to stop: nothing is granted from here on, reports still are accepted.
struct DrainBegan {};

using Event = std::variant<Submitted, Generated, GeneratorEnded, ClientJoined, ClientLost, Reported,
                           TimeReached, Refilled, DrainBegan>;

}  // namespace pena::core
