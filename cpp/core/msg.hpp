// A msg and what becomes of it: the values that the dispatcher works on and the store keeps.
//
// accepted → queued → held(batch, client, attempt) → reported | missed → queued again | failed
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/instant.hpp"
#include "core/shared_text.hpp"
#include "core/xid.hpp"

namespace pena::core {

// Of a queue, within one store; its name is in the store's registry (core/effect.hpp, PutQueueName).
using QueueNumber = std::uint32_t;
inline constexpr QueueNumber kDefaultQueue = 0;
inline constexpr std::string_view kDefaultQueueName = "default";
// What the generator makes waits apart from what is submitted, so that whoever brings his own work meets
// none of it. To people both are the queue `default`.
inline constexpr QueueNumber kGeneratedQueue = 1;
// Others are numbered from here on.
inline constexpr QueueNumber kFirstNamedQueue = 2;

struct Msg {
  Xid id;
  std::uint32_t period = 0;  // milliseconds
  SharedText payload;        // JSON text as it was submitted; empty: none
  QueueNumber queue = kDefaultQueue;
  // How often it may be sent again; none: as often as Limits::max_resends says.
  std::optional<std::uint16_t> max_resends = std::nullopt;
  SharedText key = {};  // what whoever submitted it calls it, unique in its queue; empty: nothing

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
  std::string error;            // what the client said with `failed`; empty otherwise
  SharedText client_name = {};  // what people call the client; empty: nothing

  // The whole batch was lost: the msg may be what killed the client.
  [[nodiscard]] bool lost_whole() const {
    return reason == MissReason::dropped || reason == MissReason::expired;
  }
  friend bool operator==(const Miss&, const Miss&) = default;
};

// As many misses stay in a story, the newest; so a record is bounded, however often a msg may be sent.
inline constexpr std::size_t kLongestStory = 100;

// A msg that waits or is held, with its story.
struct QueuedMsg {
  Msg msg;
  Instant accepted_at;
  // When it began to wait for a client, or will: accepted_at, the last miss, or the date before which it
  // is not to be sent.
  Instant queued_at;
  std::vector<Miss> misses;  // the story: what became of the deliveries so far, the oldest first
  std::uint16_t attempts =
      0;  // how many of the last misses count: those since it was accepted or retried

  // The number of the delivery that runs or comes next: 1 … max_resends + 1.
  [[nodiscard]] int attempt() const { return attempts + 1; }
  // How many deliveries it may have from the next one on; `max_resends`: where it does not say so itself.
  [[nodiscard]] int attempts_left(int max_resends) const {
    return msg.max_resends.value_or(static_cast<std::uint16_t>(max_resends)) + 1 - attempts;
  }
  // Missed once more, it has failed.
  [[nodiscard]] bool is_at_last_attempt(int max_resends) const {
    return attempts_left(max_resends) <= 1;
  }
  // The misses that count. Of those before them some may have been forgotten.
  [[nodiscard]] auto counted() const {
    return std::span{misses}.last(std::min<std::size_t>(attempts, misses.size()));
  }
  // The last of them whose batch was lost whole; null where there was none. A msg that has one is a
  // suspect, and travels apart from the others of that batch until it is reported, failed or retried.
  [[nodiscard]] const Miss* last_loss() const;
  // About how many bytes of memory it takes: what a client chose, and what it was missed by.
  [[nodiscard]] std::size_t memory_bytes() const {
    std::size_t bytes =
        sizeof(QueuedMsg) + msg.payload.size() + msg.key.size() + misses.size() * sizeof(Miss);
    for (const Miss& miss : misses) bytes += miss.error.size() + miss.client_name.size();
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
  SharedText client_name = {};  // what people call the client; empty: nothing

  friend bool operator==(const Batch&, const Batch&) = default;
};

// What a msg says, in 16 bytes: to tell another payload under the same id or key, when the payload itself
// is gone. XXH3 of 128 bits, of the payload.
using PayloadHash = std::array<std::uint8_t, 16>;

// A processed msg, as the bucket `report` keeps it: without its payload, which nobody needs again.
struct ReportRecord {
  Xid id;
  std::uint32_t period = 0;
  Xid batch;
  Xid client;
  Instant accepted_at;
  Instant granted_at;
  Instant reported_at;
  std::vector<Miss> misses;    // the story before the delivery that was reported
  std::uint16_t attempts = 1;  // with that one: since it was accepted or retried
  QueueNumber queue = kDefaultQueue;
  std::optional<std::uint16_t> max_resends = std::nullopt;
  SharedText key = {};
  SharedText client_name = {};
  // All zeros where there was no payload. None where it is not known, in what an older version wrote.
  std::optional<PayloadHash> payload_hash = PayloadHash{};
  SharedText result = {};  // JSON text as it was reported; empty: none
  // Its place in the order of settling, within the bucket: 1, 2, … The store gives it out when it writes.
  std::uint64_t order = 0;
  friend bool operator==(const ReportRecord&, const ReportRecord&) = default;
};

// Whether a report settled the msg under that batch so that one which names it `as_processed`, or else as
// failed or refused, tells nothing new. Where the batch was lost, none did; where the msg was left
// out, or was said to have failed, the work that is told of afterwards is not taken.
[[nodiscard]] bool taken_under(const Xid& batch, bool as_processed, std::span<const Miss> story);
[[nodiscard]] bool taken_under(const Xid& batch, bool as_processed, const ReportRecord& record);

// A failed msg, as the bucket `fail` keeps it: whole, so that it can be retried.
struct FailRecord {
  Msg msg;
  Instant accepted_at;
  Instant failed_at;
  std::vector<Miss> misses;    // the story
  std::uint16_t attempts = 0;  // since it was accepted or retried
  std::uint64_t order = 0;     // as that of a ReportRecord, within this bucket

  friend bool operator==(const FailRecord&, const FailRecord&) = default;
};

}  // namespace pena::core
