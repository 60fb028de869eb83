// One bound over the bodies of all requests in flight: each counts what it keeps in memory, from
// when it is read until its request is answered. One owner.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace pena::turn {

class BodyRoom {
 public:
  explicit BodyRoom(std::size_t most) : most_(most), most_submitted_(most - most / 4) {}
  // Whether this is news: true once, until half of the room is free again.
  [[nodiscard]] bool note_full() { return !std::exchange(noted_, true); }

 private:
  friend class BodyShare;
  // False where there is no room for them. `has`: what the same body has claimed before.
  [[nodiscard]] bool claim(std::size_t bytes, std::size_t has, bool is_report) {
    if (bytes > most_ - claimed_) return false;
    // The largest body is taken however small the room is, by itself.
    const bool alone = submitted_ == has;
    if (!is_report && !alone && submitted_ + bytes > most_submitted_) return false;
    claimed_ += bytes;
    if (!is_report) submitted_ += bytes;
    return true;
  }
  void give_back(std::size_t bytes, bool is_report) {
    claimed_ -= bytes;
    if (!is_report) submitted_ -= bytes;
    if (claimed_ <= most_ / 2) noted_ = false;
  }

  std::size_t most_;
  std::size_t most_submitted_;  // the rest is for reports alone, which free what others wait for
  std::size_t claimed_ = 0;
  std::size_t submitted_ = 0;  // of these, all that are no reports
  bool noted_ = false;
};

// What one body claims of the room. Gives it back at its end.
class BodyShare {
 public:
  // Bodies up to this size are not counted: the cap of connections bounds them, and reports go on
  // where half-sent bodies hold all of the room.
  static constexpr std::size_t kSmall = 4096;

  BodyShare(BodyRoom& room, bool is_report) : room_(&room), is_report_(is_report) {}
  BodyShare(BodyShare&& other) noexcept;
  BodyShare& operator=(BodyShare&& other) noexcept;
  BodyShare(const BodyShare&) = delete;
  BodyShare& operator=(const BodyShare&) = delete;
  ~BodyShare();

  // Appends to the body, which will have `whole` bytes where it told that, and `most` at most. False
  // where there is no room.
  [[nodiscard]] bool append(std::string& body, std::string_view data,
                            std::optional<std::size_t> whole, std::size_t most);

 private:
  [[nodiscard]] bool grow_to(std::size_t bytes);

  BodyRoom* room_;
  bool is_report_;
  std::size_t counted_ = 0;
};

}  // namespace pena::turn
