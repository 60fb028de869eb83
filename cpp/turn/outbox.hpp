// What one stream owes its client, and in which order it goes: the head, batches, stamps, the bye.
//
// The network takes as many bytes as it likes. What the client reads is whole all the same: batches in
// the order in which they were given, a stamp between two events and nowhere else, the bye last.
//
//                      sent all that is owed
//   start ──▶ writing ───────────────────────▶ idle ─────────────┐
//              ▲  │ ▲      large batch,       │ │ ▲             │
//              │  │ │       block end          │ │ │ sent all    │
//              │  │ └──────────────────────────┘ │ │             │ end
//              │  │                 batch, stamp ▼ │             │
//              └──│────── sent a part ──────── offered           │
//                 │                                              │
//                 └─── end ───▶ ending ◀─────────────────────────┘
//                                 │ sent all, the bye too
//                                 ▼
//                               over ◀── broke, vanished: from any
//
//   state    | owes                       | batch                  | stamp           | end
//   ---------+----------------------------+------------------------+-----------------+--------
//   idle     | nothing: keeps no buffer   | offered; large: writing| offered (1)     | ending
//   offered  | bytes that the caller has  | (sent() comes first)   | (likewise)      | (likewise)
//   writing  | a batch, one that waits    | waits; where one waits | due: goes where | ending
//            |                            | already: ending (2)    | an event ends   |
//   ending   | what it did, and the bye   | passed over            | passed over     | -
//   over     | nothing: to be closed      | passed over            | passed over     | -
//
//   (1) after 48 KiB of stamps without an event: writing, for a block end goes with it
//   (2) "the client does not read what it is sent": so a stream keeps two batches, at most
//
// A small batch to an idle stream costs no buffer and no copy: it is written into one that all streams
// share, is offered to the network at once, and only what that does not take is kept. The same goes for
// a stamp, which is written once for all streams. Large batches are framed in place (turn/pieces.hpp).
//
//   sent(network.send(outbox.batch(batch, granted_at, frames).at_once));   // likewise a stamp
//   for (;;) std::visit([](what) {
//     Write: sent() as much as the network takes by `until`; overdue() where it takes nothing, and
//            broke() when the write that is called off has ended
//     Rest:  wait for a batch, a stamp or the end
//     Over:  close the connection
//   }, outbox.next(now));
//
// Pure; one owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/instant.hpp"
#include "core/limits.hpp"
#include "core/msg.hpp"
#include "turn/pieces.hpp"
#include "wire/sse.hpp"

namespace pena::turn {

// A heartbeat as it goes to all streams: written once, and its memory stays.
class Stamp {
 public:
  void write(core::Instant now);
  // Good until it is written again.
  [[nodiscard]] std::string_view bytes(Framing framing) const;

 private:
  std::string text_ = std::string(64, ' ');
  std::string_view chunk_;
  std::size_t length_ = 0;  // of the heartbeat itself
};

class Outbox {
 public:
  // How a stream ends: its client got all it asked for, and of chunks there is the last; or it is cut.
  enum class Ending : std::uint8_t { well, cut };

  // Of a batch that is longer: a piece ends with the event that reaches so many bytes, and a stamp may
  // come behind it. The client counts the silence from the stamps alone.
  static constexpr std::size_t kPiece = 64UL * 1024;

  // Owes the head, which may be empty, and the first stamp. `limits` outlive it.
  Outbox(const core::Limits& limits, Framing framing, std::string head, core::Instant now,
         std::size_t piece = kPiece);
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  // ---- what is to be sent

  // What to send without waiting, perhaps nothing; sent() comes next, before `frames` is touched
  // and before anything else is said.
  struct Given {
    std::string_view at_once;
    std::string_view ends;  // why the stream is ended by this batch; empty: it is not
  };
  // `granted_at` is of the clock of `now`. `frames` is room for writing, kept by the caller. `names`: of
  // queues that are not `default`.
  [[nodiscard]] Given batch(const core::Batch& batch, core::Instant granted_at, std::string& frames,
                            const wire::QueueNames& names = {});
  // A heartbeat is due: what to send without waiting, as for a batch.
  [[nodiscard]] std::string_view stamp(const Stamp& stamp);
  // Says bye with the reason behind what is owed. False where the stream ends already.
  bool end(std::string_view reason, Ending ending = Ending::cut);

  // ---- how it goes

  struct Write {
    std::string_view bytes;  // stand until sent(), whatever is said meanwhile
    core::Instant until;     // overdue() where none of them are gone by then
  };
  struct Rest {};
  struct Over {};
  using Next = std::variant<Write, Rest, Over>;
  // Asked again it says the same, until something is sent or said. To be asked soon after either:
  // the time of what is left to write begins here.
  [[nodiscard]] Next next(core::Instant now);
  // So many of the bytes are on their way. Where it throws (no memory) the stream is over.
  void sent(std::size_t bytes);
  [[nodiscard]] bool is_idle() const { return state_ == State::idle; }

  // The time of next() is over. Forgotten where some bytes are sent all the same, and nowhere else: what
  // is said meanwhile comes too late.
  void overdue();
  // These end it at once. What there is to say in the log, `stream … closed: …`, or nothing.
  [[nodiscard]] std::string_view vanished();  // nothing is acknowledged any more
  // The client closed it, or the connection broke: `timed_out` where the kernel, which has the patience
  // of next(), found that first.
  [[nodiscard]] std::string_view broke(bool timed_out = false);

 private:
  enum class State : std::uint8_t { idle, offered, writing, ending, over };

  [[nodiscard]] bool is_ending() const { return state_ == State::ending || state_ == State::over; }
  void append_frames(std::string& out, const core::Batch& batch, core::Instant granted_at,
                     const wire::QueueNames& names);
  [[nodiscard]] std::string_view offer(std::string_view bytes);
  [[nodiscard]] std::string_view write_block_end(const Stamp& stamp);
  void keep_rest();
  void settle();
  void make_bytes(core::Instant now);
  [[nodiscard]] std::string_view close(std::string_view why);

  const core::Limits& limits_;
  std::string_view bytes_;              // to be sent next: of the caller, kept_ or pieces_
  std::string kept_;                    // head, stamp, or what was not sent of an offer
  Pieces pieces_;                       // of what is being written, if it is long
  std::string waiting_;                 // a batch, then the bye: behind the room for a frame
  std::string_view last_;               // the last chunk, where it is owed
  std::optional<core::Instant> until_;  // of what is being written
  std::size_t piece_;
  std::size_t block_bytes_ = 0;  // of the stamps since the last event
  Framing framing_;
  State state_ = State::writing;
  bool stamp_due_ = false;  // while something is written
  bool overdue_ = false;
  bool told_retry_ = false;
};

}  // namespace pena::turn
