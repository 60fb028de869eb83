// The end of a server: what is to be done, in which order, and by when.
//
//             begin()             nobody is there
//   running ─────────▶ draining ──────────────────────────────────▶ over
//      │                  │ drain_time is over                       ▲ nobody is there,
//      │ fail()           │ fail()                                   │ or kLastWords are over
//      └──────────────────┴────────────▶ last words ─────────────────┘
//
// While it drains, all that was asked is answered, for as long as drain_time. Who waits longer is told
// that the outcome is unknown. Where the turn has failed there is nothing to wait for.
//
//   for (auto next = stop.next(now, connections); next.step != Step::finish; …) {
//     do what next.step says; wait until next.ask_at
//   }
//
// Pure: time comes in. One owner, the I/O side of a shell.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "core/instant.hpp"

namespace pena::turn {

// What streams and requests are told while the server ends.
inline constexpr const char* kServerStops = "the server stops";

class Stop {
 public:
  // For the last word to each connection; then again for the turn to write what it has.
  static constexpr core::Duration kLastWords = std::chrono::seconds{1};

  enum class Step : std::uint8_t {
    nothing,  // but to ask again
    drain,  // desk and dispatcher drain; the streams end, with kServerStops; whoever has asked nothing
            // yet is closed, and nobody new is let in
    give_up,  // what any connection waits for ends, and the desk gives up all who wait
    finish,   // nobody is served any more
  };
  struct Next {
    Step step = Step::nothing;
    core::Instant ask_at;
  };

  explicit Stop(core::Duration drain_time) : drain_time_(drain_time) {}

  // The server is to end. False where it does already: then somebody asks what is next.
  [[nodiscard]] bool begin();
  // Nothing is durable any more.
  void fail();
  // What is to be done now, each but `nothing` and `finish` once. Not before it ends. `connections`: those
  // that are open, streams too.
  [[nodiscard]] Next next(core::Instant now, std::size_t connections);
  [[nodiscard]] bool is_over() const { return stage_ == Stage::over; }

 private:
  enum class Stage : std::uint8_t { running, begun, draining, failed, last_words, over };

  [[nodiscard]] Next enter(Stage stage, Step step, core::Instant now, core::Duration longest);

  core::Duration drain_time_;
  Stage stage_ = Stage::running;
  core::Instant until_{};  // of the stage
};

}  // namespace pena::turn
