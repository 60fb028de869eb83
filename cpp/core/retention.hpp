// How long msgs are kept that have ended, and which of them are to be forgotten now: those that are older
// than they may be, those that are more than may be, and, where the store is about full, the oldest reports.
//
// They are forgotten a page at a time, the oldest first, in the order of settling.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "core/instant.hpp"
#include "core/limits.hpp"

namespace pena::core {

// Of one bucket, `report` or `fail`.
class Retention {
 public:
  // A record of it: its place in the order of settling, and its date.
  struct Ended {
    std::uint64_t order = 0;
    Instant at;
  };

  // `kept`: so many the store has.
  Retention(const Keep& keep, std::size_t largest_page, std::uint64_t kept)
      : keep_(keep), largest_page_(largest_page), kept_(kept) {}

  [[nodiscard]] std::uint64_t kept() const { return kept_; }
  // One has ended; `date`: of its record.
  void added(Instant date) {
    if (kept_++ == 0) oldest_ = date;
  }
  void dropped(std::uint64_t count) { kept_ -= count; }

  // So many of the oldest are to be read, behind `after()`; 0: none. `clock`: the wall clock. `room`: they
  // are to make room, one part in 64 of what is kept: enough for the store to sink below its limit where
  // it is full of them, and few of the young ones.
  [[nodiscard]] std::size_t wants(Instant clock, bool room) const;
  [[nodiscard]] std::uint64_t after() const { return after_; }
  // When it may want any, though nothing ends: a date.
  [[nodiscard]] std::optional<Instant> next(bool room) const;

  // A page was read for it, the oldest first: so many of those are to go.
  [[nodiscard]] std::size_t take(std::span<const Ended> page, Instant clock, bool room);

 private:
  static constexpr std::size_t kSmallestPage = 64;
  static constexpr std::uint64_t kRoomShare = 64;
  // Where nothing was found, though something is there: it is on its way to the store.
  static constexpr Duration kRest = std::chrono::seconds{1};

  [[nodiscard]] bool rests(Instant clock) const;
  [[nodiscard]] bool is_too_old(Instant ended_at, Instant clock) const {
    return keep_.time && ended_at + *keep_.time <= clock;
  }
  [[nodiscard]] std::uint64_t too_many() const {
    return keep_.msgs && kept_ > *keep_.msgs ? kept_ - *keep_.msgs : 0;
  }
  void note_oldest(std::span<const Ended> stay, Instant clock);

  Keep keep_;
  std::size_t largest_page_;
  std::uint64_t kept_;
  // When the next of them was too old, or before; none where it is not known.
  std::optional<Instant> oldest_;
  std::uint64_t after_ = 0;  // up to there all are gone
  std::size_t page_ = kSmallestPage;
  std::optional<Instant> rests_until_;
};

}  // namespace pena::core
