// What is kept free in the store for msgs that are held. A report, an end of a lease or a refusal puts
// each of them somewhere else, and none of these may find the store full. So a batch is granted
// only where the room for what becomes of it is there, and is kept until it is settled.
//
// Counted in pages of 4 KiB, as many as LMDB takes at worst. A page that was written is not
// written again: a change takes a copy, and what it replaces is free two commits later.
//
//   a record that shares a page        4: the copy of its leaf and of the branch above it, and
//                                      what both are split into
//   one longer than half a page        its pages besides, side by side
//   where a msg is, or what it is
//   called                             2: the copies of its leaf and of the branch above it; these are
//                                      so short that only some fifty of them make a new page
//   a msg that is granted              1: the leaf of the queue that it leaves
//   the same of another queue          2 more: where it was, and how many msgs its queue has
//   a batch                            its record when it is granted, and two more while a report
//                                      after the other takes msgs out of it
//   every commit                       what the store keeps back, kPagesOfCommits
//
// What takes most is a msg that failed and is to be sent later, or comes back into another queue than the
// default one: a record, and where it is. A report has no more than its record and its share of a record
// in the order of settling, of which one has room for some 170 msgs.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "core/limits.hpp"
#include "core/msg.hpp"

namespace pena::core {

inline constexpr std::uint64_t kRoomPage = 4096;
inline constexpr std::uint64_t kPagesOfRecord = 4;
inline constexpr std::uint64_t kPagesOfPlace = 2;
// Of a msg that is forgotten: its record, its place or its turn in the order of settling, its key.
inline constexpr std::uint64_t kPagesOfForgotten = 3 * kPagesOfPlace;
inline constexpr std::uint64_t kPagesOfLeaving = 1;
inline constexpr std::uint64_t kPagesOfLeavingOther = 3;
// Of a msg that is held, whatever becomes of it, where its record shares a page.
inline constexpr std::uint64_t kPagesOfHeld = kPagesOfRecord + kPagesOfPlace + kPagesOfLeavingOther;
// The buckets' roots, `meta`, the ends of the order of settling, the count of the default queue, the list
// of free pages and what it grows by: of three commits.
inline constexpr std::uint64_t kPagesOfCommits = 576;

// How msgs come that are accepted together.
struct Arrival {
  bool in_order = true;  // each is the last of its queue
  std::size_t told =
      0;  // of so many the store has to be told where they wait, and any may have a key
  std::size_t queues = 1;  // that they wait in
};

// Pages of a store: those that are to be had, or those that something needs.
struct Room {
  std::uint64_t pages = 0;
  std::uint64_t side_by_side =
      0;  // so many of them without a gap; what is needed so is all in `pages`, too

  [[nodiscard]] static constexpr Room endless() {
    return {std::numeric_limits<std::uint64_t>::max() / 2,
            std::numeric_limits<std::uint64_t>::max() / 2};
  }
  [[nodiscard]] bool has(const Room& need) const {
    return need.pages <= pages && need.side_by_side <= side_by_side;
  }
  Room& operator+=(const Room& more) {
    pages += more.pages;
    side_by_side += more.side_by_side;
    return *this;
  }
  Room& operator-=(const Room& less) {
    pages -= less.pages;
    side_by_side -= less.side_by_side;
    return *this;
  }
  friend Room operator+(Room a, const Room& b) { return a += b; }
  friend bool operator==(const Room&, const Room&) = default;
};

// Of one record with a value of so many bytes.
[[nodiscard]] inline Room room_of_record(std::uint64_t bytes) {
  constexpr std::uint64_t kHeader = 16;
  const std::uint64_t own = bytes > kRoomPage / 2 - 64 ? (bytes + kHeader) / kRoomPage + 1 : 0;
  return {kPagesOfRecord + own, own};
}

// Without what is counted apart: payload, key, misses; error and client's name. Those of a report, which
// has the reporter's name and a hash in place of the payload, are no more than of a msg with one more miss.
inline constexpr std::uint64_t kMsgFields = 64;
inline constexpr std::uint64_t kMissFields = 48;

// The longest value of the queue that this msg can be, at most: as it is now.
[[nodiscard]] inline std::uint64_t record_bytes(const QueuedMsg& msg) {
  std::uint64_t bytes = kMsgFields + msg.msg.payload.size() + msg.msg.key.size();
  for (const Miss& miss : msg.misses) {
    bytes += kMissFields + miss.error.size() + miss.client_name.size();
  }
  return bytes;
}

// What becomes of a msg that is held: a report, a failure, or a place in a queue or for later with one
// more miss. Without the result of a report.
[[nodiscard]] inline Room room_of_outcome(std::uint64_t record_bytes, std::size_t error_bytes) {
  Room room = room_of_record(record_bytes + kMissFields + kLongestClientName + error_bytes);
  room.pages += kPagesOfPlace;
  return room;
}

// Of a batch with such records in it, and of all that becomes of it.
class BatchRoom {
 public:
  explicit BatchRoom(const Limits& limits) : error_bytes_(limits.error_bytes) {}

  void add(const QueuedMsg& msg) {
    const bool other = msg.msg.queue != kDefaultQueue;
    add(record_bytes(msg), other ? kPagesOfLeavingOther : kPagesOfLeaving);
  }
  void add(std::uint64_t record_bytes, std::uint64_t pages_of_leaving = kPagesOfLeavingOther) {
    bytes_ += record_bytes;
    outcomes_ += room_of_outcome(record_bytes, error_bytes_);
    outcomes_.pages += pages_of_leaving;
  }
  [[nodiscard]] Room total() const {
    const Room record = room_of_record(kFields + bytes_);
    return outcomes_ + record + record + record;
  }

 private:
  static constexpr std::uint64_t kFields = 64 + kLongestClientName;

  std::size_t error_bytes_;
  std::uint64_t bytes_ = 0;
  Room outcomes_;
};
[[nodiscard]] inline Room room_of(const Batch& batch, const Limits& limits) {
  BatchRoom room{limits};
  for (const QueuedMsg& msg : batch.msgs) room.add(msg);
  return room.total();
}

}  // namespace pena::core
