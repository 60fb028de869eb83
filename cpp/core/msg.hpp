// A msg and what becomes of it: the values that the dispatcher works on and the store keeps.
//
// accepted → queued → held(batch, client, attempt) → reported | missed → queued again | failed
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/instant.hpp"
#include "core/xid.hpp"

namespace pena::core {

struct Msg {
  Xid id;
  std::uint32_t period = 0;  // milliseconds
  std::string payload;       // JSON text as it was submitted; empty: none

  friend bool operator==(const Msg&, const Msg&) = default;
};

// Why a held msg came back without a report. The numbers are part of the store's format.
enum class MissReason : std::uint8_t {
  omitted = 1,  // its batch was settled by a report that left it out
  failed = 2,   // the report said that it failed
  refused = 3,  // the report said that the client had no room for it (R13)
  dropped = 4,  // the client's stream was lost, and the grace is over
  expired = 5,  // the lease ended, and the grace is over
};

// "omitted", "failed", …: the words of the protocol.
[[nodiscard]] std::string_view word(MissReason reason);

// One attempt that did not end in a report.
struct Miss {
  Xid batch;
  Xid client;
  Instant granted_at;
  Instant missed_at;
  MissReason reason = MissReason::omitted;
  std::string error;  // what the client said with `failed`; empty otherwise

  // The whole batch was lost: the msg may be what killed the client.
  [[nodiscard]] bool lost_whole() const {
    return reason == MissReason::dropped || reason == MissReason::expired;
  }
  friend bool operator==(const Miss&, const Miss&) = default;
};

// A msg that waits or is held, with the attempts that it has behind it.
struct QueuedMsg {
  Msg msg;
  Instant accepted_at;
  Instant queued_at;  // when it began to wait: accepted_at, or the last miss
  std::vector<Miss> misses;

  // The number of the delivery that runs or comes next: 1 … max_resends + 1.
  [[nodiscard]] int attempt() const { return static_cast<int>(misses.size()) + 1; }
  // The last miss whose batch was lost whole; null where there was none. A msg that has one is a
  // suspect, and travels apart from the others of that batch for good.
  [[nodiscard]] const Miss* last_loss() const;
  // About how many bytes of memory it takes: what a client chose, and what it was missed by.
  [[nodiscard]] std::size_t memory_bytes() const {
    std::size_t bytes = sizeof(QueuedMsg) + msg.payload.size() + misses.size() * sizeof(Miss);
    for (const Miss& miss : misses) bytes += miss.error.size();
    return bytes;
  }
  friend bool operator==(const QueuedMsg&, const QueuedMsg&) = default;
};

// What one client was sent together and has not yet been settled.
struct Batch {
  Xid id;
  Xid client;
  Instant granted_at;
  std::vector<QueuedMsg> msgs;

  friend bool operator==(const Batch&, const Batch&) = default;
};

// A processed msg, as the bucket `report` keeps it: without its payload, which nobody needs again.
struct ReportRecord {
  Xid id;
  std::uint32_t period = 0;
  Xid batch;
  Xid client;
  Instant accepted_at;
  Instant granted_at;
  Instant reported_at;
  std::vector<Miss> misses;

  [[nodiscard]] int attempts() const { return static_cast<int>(misses.size()) + 1; }
  friend bool operator==(const ReportRecord&, const ReportRecord&) = default;
};

// A failed msg, as the bucket `fail` keeps it: whole, so that it can be retried.
struct FailRecord {
  Msg msg;
  Instant accepted_at;
  Instant failed_at;
  std::vector<Miss> misses;  // one for every attempt

  friend bool operator==(const FailRecord&, const FailRecord&) = default;
};

}  // namespace pena::core
