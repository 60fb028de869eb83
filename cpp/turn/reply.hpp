// What became of a request that waited for the turn, and the answer that this makes. The desk has put to
// it what the turn does not know: which ids were asked for, and when a report came.
//
// Pure. Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/effect.hpp"
#include "core/limits.hpp"
#include "core/status.hpp"
#include "store/view.hpp"
#include "turn/answer.hpp"
#include "turn/msg_story.hpp"
#include "turn/settled.hpp"
#include "turn/turn.hpp"

namespace pena::turn {

// All msgs of a submission are kept, new or known already: their ids, in the order of the request, and
// those of them that were known.
struct Accepted {
  std::vector<core::Xid> ids;
  std::vector<core::Xid> known = {};
};
// None is, for the store has no room for them.
struct NoRoom {};
// A report is settled. `came_at_ms`: when it came, by the steady clock: the client's anchor for its
// leases.
struct Settled {
  core::ReportReply reply;
  std::int64_t came_at_ms = 0;
};
// Msgs are tried again, or forgotten: as many as could be.
struct BulkDone {
  core::BulkReply reply;
  core::BulkAsked::What what = core::BulkAsked::What::retry;
  bool dry_run = false;
};
// A queue is paused, or no longer.
struct Paused {
  std::string queue;
  bool paused = true;
  core::NameRefused refused = core::NameRefused::no;
  bool unknown = false;  // no queue of that name was used or paused so far
};
// How it stands. `queue`: the one that was asked for.
struct Standing {
  std::shared_ptr<const core::Status> status;
  std::optional<std::string> queue = std::nullopt;
};
// A report that came too late for some of what it names, of which something is yet to be found.
struct LateReport {
  OpenReport report;
  std::int64_t came_at_ms = 0;
};
// The server ended while the request waited for the disk.
struct UnknownOutcome {
  enum class Of : std::uint8_t { msgs, bulk, pause, status };
  Of of = Of::msgs;
};

struct Reply {
  core::RequestId request = 0;
  std::variant<UnknownOutcome, Accepted, SubmitRefused, NoRoom, Settled, BulkDone, Paused, Standing,
               FindMsg, LateReport>
      outcome;
};

// The store is to be read first, which may wait for the disk: a report named ids that no batch held, somebody
// asks for a msg, or how it stands, which is long, too.
using LookUp = std::variant<Settled, Standing, FindMsg, LateReport>;
// What the store has in no bucket: the desk asks the turn who holds it (turn/search.hpp).
using Unfound = std::variant<FindMsg, LateReport>;
// What a request is answered with; as a rule without the store.
[[nodiscard]] std::variant<Answer, LookUp> answer(const Reply& reply, const core::Limits& limits);
// Throws StoreError. `view` has what was durable when the reply left, or more.
[[nodiscard]] std::variant<Answer, Unfound> answer(const LookUp& asked, const store::View& view);
// For the log, of a request that was taken: how many msgs were accepted, or what its answer says. Empty
// where it was refused.
[[nodiscard]] std::string describe(const Reply& reply, const Answer& answer);

}  // namespace pena::turn
