// How long msgs are kept that have ended, and which of them are to be forgotten now: those that are older
// than they may be, those that are more than may be, and, where the store is about full, the oldest reports.
//
// They are forgotten a page at a time, the oldest first, in the order of settling. A page grows while all of
// it was to go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/instant.hpp"
#include "core/limits.hpp"

namespace pena::core {

// Of one bucket, `report` or `fail`.
class Retention {
 public:
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
  // are to make room.
  [[nodiscard]] std::size_t wants(Instant clock, bool room) const;
  [[nodiscard]] std::uint64_t after() const { return after_; }
  // When it may want any, though nothing ends: a date.
  [[nodiscard]] std::optional<Instant> next(bool room) const;

  // A page was read for it: begins with begin_page(), then each record, oldest first, until one is not to
  // go; then end_page().
  void begin_page(Instant clock, bool room);
  // Whether that record is to go.
  [[nodiscard]] bool goes(std::uint64_t order, Instant ended_at);
  // `whole`: none stayed. `found`: so many records were on it.
  void end_page(bool whole, std::size_t found);

 private:
  static constexpr std::size_t kSmallestPage = 64;
  // Where nothing was found, though something is there: it is on its way to the store.
  static constexpr Duration kRest = std::chrono::seconds{1};

  [[nodiscard]] bool rests(Instant clock) const;
  [[nodiscard]] bool is_too_old(Instant ended_at, Instant clock) const {
    return keep_.time && ended_at + *keep_.time <= clock;
  }
  [[nodiscard]] std::uint64_t too_many() const {
    return keep_.msgs && kept_ > *keep_.msgs ? kept_ - *keep_.msgs : 0;
  }

  Keep keep_;
  std::size_t largest_page_;
  std::uint64_t kept_;
  // When the oldest ended, or before; none where it is not known.
  std::optional<Instant> oldest_;
  std::uint64_t after_ = 0;  // up to there all are gone
  std::size_t page_ = kSmallestPage;
  std::optional<Instant> rests_until_;

  // Of the page that is looked at.
  Instant clock_{};
  bool room_ = false;
  std::uint64_t to_go_ = 0;  // for their number
};

}  // namespace pena::core
