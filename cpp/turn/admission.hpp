// Whether new msgs are taken, and what is said where they are not: the fill of the store, its disk, the
// length of the queue, and the room that held msgs may need.
//
// Pure. One owner, the turn.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/instant.hpp"
#include "core/limits.hpp"

namespace pena::turn {

// Why no new msgs are taken.
enum class Full : std::uint8_t {
  no,
  queue,  // it has as many msgs as it may
  store,  // it is as large as it may be
  disk,   // the store's disk has hardly anything left
  room,   // what the store or its disk has left is kept for msgs that are held
};
// A sentence without its full stop, with the limit that was met; empty where it is `no`.
[[nodiscard]] std::string sentence(Full what, const core::Limits& limits);

// What must come before anything moves on, though somebody waits.
enum class WaitsFor : std::uint8_t {
  nothing,     // all moves, or there is nothing to do
  store_room,  // a client is free, but the store is too full to take or make msgs
  client,      // msgs wait that could be sent, but no client is connected
  resume,      // msgs wait in a paused queue: all that do, or a client that is free waits for them
  rate,        // a client is free, but the rate lets the next msg be made later
};
// "", "room in the store", "a client", "a resume", "the rate".
[[nodiscard]] std::string_view word(WaitsFor what);

// What the store says of itself.
struct Fill {
  double fill = 0;  // store::Index::fill
  bool disk_is_low = false;
  std::uint64_t queued = 0;   // msgs in its queue
  std::uint64_t reports = 0;  // that can make room
};

class Admission {
 public:
  explicit Admission(const core::Limits& limits) : limits_(limits) {}

  void note(const Fill& is, core::Instant now);
  // Whether any msg at all finds room beside those that are held.
  void note_room(bool has_room_for_any) { has_room_for_any_ = has_room_for_any; }
  // What was noted is not as of now any more: others may have filled the disk meanwhile.
  [[nodiscard]] bool is_stale(core::Instant now) const;
  // When what stands still is to be looked at again, for room may come from outside.
  [[nodiscard]] core::Instant look_again_at() const { return noted_at_ + kLookAgain; }

  // The store is as full as it may be, be it with reports.
  [[nodiscard]] bool is_filled() const { return is_filled_; }
  [[nodiscard]] Full full() const {
    return full_ == Full::no && !has_room_for_any_ ? Full::room : full_;
  }

  // Likewise, where reports have made room: so many so far.
  [[nodiscard]] std::optional<std::string> room_made(std::uint64_t reports, core::Instant now);
  // What whoever runs the server should know, or nothing: where something has stood still for a second,
  // once, and the same not again within a minute. `reports_lack_room`: none is granted, for its report
  // would have none.
  [[nodiscard]] std::optional<std::string> warning(bool reports_lack_room, WaitsFor what,
                                                   core::Instant now);

 private:
  static constexpr core::Duration kLookAgain = std::chrono::seconds{1};

  enum class Standstill : std::uint8_t { none, queue, store, disk, room, reports };
  [[nodiscard]] Standstill standstill(bool reports_lack_room) const;

  core::Limits limits_;
  core::Instant noted_at_{};
  Full full_ = Full::no;
  bool is_filled_ = false;
  std::uint64_t room_told_ = 0;  // reports that made room, as was told last,
  std::optional<core::Instant> room_told_at_;
  bool has_room_for_any_ = true;
  Standstill still_ = Standstill::none;  // since:
  core::Instant still_since_{};
  std::array<std::optional<core::Instant>, 6> told_at_;  // by what stands still
};

}  // namespace pena::turn
