// What became of a request that waited for the turn, and the answer that this makes. The desk has put to
// it what the turn does not know: which ids were asked for, and when a report came.
//
// Pure. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "core/effect.hpp"
#include "core/limits.hpp"
#include "store/view.hpp"
#include "turn/answer.hpp"
#include "turn/turn.hpp"

namespace pena::turn {

// All msgs of a submission are kept, new or known already: their ids, in the order of the request.
struct Accepted {
  std::vector<core::Xid> ids;
};
// None is, for the store has no room for them.
struct NoRoom {};
// A report is settled. `came_at_ms`: when it came, by the steady clock: the client's anchor for its
// leases.
struct Settled {
  core::ReportReply reply;
  std::int64_t came_at_ms = 0;
};
// The server ended while the request waited for the disk.
struct UnknownOutcome {};

struct Reply {
  core::RequestId request = 0;
  std::variant<UnknownOutcome, Accepted, SubmitRefused, NoRoom, Settled> outcome;
};

// The store is to be read for the answer, which may wait for the disk: a report named ids that no batch
// held. As a rule it need not be.
[[nodiscard]] bool reads_store(const Reply& reply);
// Throws StoreError, where it reads the store. `view` has what was durable when the reply left, or more.
[[nodiscard]] Answer answer(const Reply& reply, const store::View& view,
                            const core::Limits& limits);
// For the log, of a request that was taken: how many msgs were accepted, or what its answer says. Empty
// where it was refused.
[[nodiscard]] std::string describe(const Reply& reply, const Answer& answer);

}  // namespace pena::turn
