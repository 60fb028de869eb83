// One bound over the bodies of all requests in flight: each counts what it keeps in memory, from
// when it is read until its request is answered. For the I/O thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace pena::server {

class BodyRoom {
 public:
  explicit BodyRoom(std::size_t most) : most_(most) {}
  // Whether this is news: true once, until half of the room is free again.
  [[nodiscard]] bool note_full() { return !std::exchange(noted_, true); }

 private:
  friend class BodyShare;
  void give_back(std::size_t bytes) {
    taken_ -= bytes;
    if (taken_ <= most_ / 2) noted_ = false;
  }

  std::size_t most_;
  std::size_t taken_ = 0;
  bool noted_ = false;
};

// What one body takes of the room. Gives it back at its end.
class BodyShare {
 public:
  // Bodies up to this size are not counted: the cap of connections bounds them, and reports go on
  // where half-sent bodies hold all of the room.
  static constexpr std::size_t kSmall = 4096;

  explicit BodyShare(BodyRoom& room) : room_(&room) {}
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
  std::size_t counted_ = 0;
};

}  // namespace pena::server
