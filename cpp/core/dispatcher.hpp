// The dispatcher: every rule of who is sent what, and what becomes of it. Pure: it knows no clock,
// socket, thread, file or dice; time comes in with every event, ids come from the factory it is
// given.
//
//               Submitted, Generated               grant (commit, then send)
//     accepted ──────────────────────▶ queued ───────────────────────────────▶ held by a batch
//         │                            ▲    ▲                                       │
//         │ not before a date          │    │ attempts left                         │ Reported
//         └───────────────▶ later ─────┘    │             missed: omitted, refused, │
//                             ▲     is due  ├──────────── dropped, expired ◀────────┤──▶ reported
//                             │             │             (the last two after the   │
//                             │ attempts    │             grace)                    │
//                             │ left        │                                       │
//                             └─────────────┼──────────── missed: said to have ◀────┘
//                                           │             failed (core/backoff.hpp)
//                                           └─ otherwise, or a failure that is final ──▶ failed
//
// A batch is held under a lease, of which each state has its end. Whatever the state, a report settles
// what it names (P1 of docs/protocol.md); the batch is over when none of its msgs is left.
//
//      grant                partial report: T again
//        │                        ┌────┐
//        ▼                        ▼    │
//     running, ends after T ───────────┴──▶ all reported: the client is free, or has had all it wanted
//        │             │
//        │ ClientLost  │ the end of T: the stream is closed
//        ▼             ▼
//     dropped       expired, each ends after the grace G ──▶ all reported: nobody is free for it
//        │             │
//        └──────┬──────┘ the end of G: whoever held them has stopped by now (R6)
//               ▼
//       its msgs are missed, as dropped or expired
//
// A restart makes every lease dropped, with its full grace.
//
// One owner: the turn. Nothing here is safe to call from two threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/counts.hpp"
#include "core/effect.hpp"
#include "core/event.hpp"
#include "core/instant.hpp"
#include "core/limits.hpp"
#include "core/msg.hpp"
#include "core/queue_names.hpp"
#include "core/room.hpp"

namespace pena::core {

// What the store held when the server started.
struct Snapshot {
  std::vector<Batch> batches;  // each runs its full grace again from `now`
  std::vector<StoredQueue> queues;
  std::uint64_t later = 0;               // msgs in the bucket `later`
  std::optional<Instant> next_due;       // when the first of them is due
  std::uint64_t reports = 0, fails = 0;  // msgs in these buckets
};

class Dispatcher {
 public:
  [[nodiscard]] static Dispatcher restore(const Limits& limits, const XidFactory& ids,
                                          const Snapshot& snapshot, Instant now);
  Dispatcher(Dispatcher&&) noexcept;
  Dispatcher& operator=(Dispatcher&&) noexcept;
  ~Dispatcher();

  // Takes one event and says what it leads to. The state has changed when this returns, so effects
  // that cannot be made durable end the process; there is no way back. `now` never goes back.
  [[nodiscard]] Effects step(Event event, Instant now);
  // Adds the effects to those of earlier events.
  void step(Event&& event, Instant now, Effects& into);

  // When it wants a TimeReached, if at all.
  [[nodiscard]] std::optional<Instant> next_timeout() const;
  // How many fresh msgs the client whose turn it is still lacks, where the supply is not `none`. Of an open
  // one those behind it may be meant, too.
  [[nodiscard]] std::size_t demand() const;
  // What it wants to know of the store's queue, if anything: answered with BodiesRead or Refilled before
  // any other event, or asked again later. An answer to what is not asked any more ends the process.
  [[nodiscard]] Wanted wanted() const;

  // `now` as records and ids have it: by the wall clock as it was read last, and never going back.
  [[nodiscard]] Instant date(Instant now) const;
  // What of the store the writes since the last call need, which are now on their way to it.
  [[nodiscard]] Room hand_over_coming();
  // How much room the store has, and what writes on their way to it will still take; endless until it
  // is told. To be told whenever writes have arrived. True where a grant had to wait for room and would
  // find it now: whoever told it steps a TimeReached.
  [[nodiscard]] bool note_room(const Room& room, const Room& on_its_way);
  // Whether msgs that somebody hands in leave the room that held msgs may still need.
  [[nodiscard]] bool has_room_for(const Submitted& submitted) const;
  // Whether the results of a report do so. What becomes of the msgs themselves always has its room.
  [[nodiscard]] bool has_room_for(const std::vector<Result>& results) const;
  // Whether as many queues as these msgs need have names or may have: the first name that may not, or none.
  [[nodiscard]] std::optional<std::string> queue_too_many(
      const std::vector<std::string>& queues) const;
  // Whether the store has the name of that queue.
  [[nodiscard]] bool keeps_name(const std::string& queue) const;
  // Whether there are any msgs for which that holds.
  [[nodiscard]] bool has_room_for_any() const;
  // A client is free and msgs are there, but no batch is granted for lack of room.
  [[nodiscard]] bool waits_for_room() const;

  // The oldest reports are to make room, as RoomRunsOut told it last; `false` at first.
  [[nodiscard]] bool makes_room() const;
  // So many reports are kept.
  [[nodiscard]] std::uint64_t reports_kept() const;
  // There is room for two of the largest msgs beside what held ones may need.
  [[nodiscard]] bool has_room_to_spare() const;

  // True where the msg is held. Whoever waits has a record in the store, all writes so far included.
  [[nodiscard]] bool holds(const Xid& id) const;
  // How many msgs wait, in the queues or to be due, likewise.
  [[nodiscard]] std::uint64_t waiting() const;
  // Of those that wait, the ones that are due, in queues that are not paused.
  [[nodiscard]] std::uint64_t grantable() const;
  // Msgs wait in paused queues: and in no other, or a client that is free takes from one of those.
  [[nodiscard]] bool waits_for_resume() const;
  // None where no queue is called so.
  [[nodiscard]] std::optional<QueueNumber> queue_number(const std::string& name) const;
  // What SupplyChanged told it last; `none` at first.
  [[nodiscard]] Supply supply() const;
  [[nodiscard]] Counts counts() const;
  // What of the queue is in memory, between two steps.
  [[nodiscard]] InMemory in_memory() const;
  // Who holds what, for what a msg says. Null where nobody holds it. People ask with StatusAsked::What::holders.
  [[nodiscard]] const Batch* holder(const Xid& id) const;
  // What a batch still holds; null where it is settled.
  [[nodiscard]] std::shared_ptr<const Batch> batch(const Xid& id) const;

 private:
  struct State;
  explicit Dispatcher(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace pena::core
