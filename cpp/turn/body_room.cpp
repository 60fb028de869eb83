#include "turn/body_room.hpp"

#include <algorithm>

namespace pena::turn {

BodyShare::BodyShare(BodyShare&& other) noexcept
    : room_(other.room_),
      is_report_(other.is_report_),
      counted_(std::exchange(other.counted_, 0)) {}

BodyShare& BodyShare::operator=(BodyShare&& other) noexcept {
  std::swap(room_, other.room_);
  std::swap(is_report_, other.is_report_);
  std::swap(counted_, other.counted_);
  return *this;
}

BodyShare::~BodyShare() {
  room_->give_back(counted_, is_report_);
}

bool BodyShare::append(std::string& body, std::string_view data, std::optional<std::size_t> whole,
                       std::size_t most) {
  const std::size_t needed = body.size() + data.size();
  if (needed > body.capacity()) {
    // A body that says that it is large gets its memory as it comes: saying so costs nothing.
    const std::size_t soon = std::min(kSmall, whole.value_or(0));
    const std::size_t wanted = std::max({needed, 2 * body.capacity(), soon});
    const std::size_t bytes = std::min(wanted, std::max(needed, whole.value_or(most)));
    if (!grow_to(bytes)) return false;
    // Of one that has something, reserve() might take twice as much, and only this much is counted.
    std::string grown;
    grown.reserve(bytes);
    body.swap(grown.append(body));
  }
  body += data;
  return true;
}

bool BodyShare::grow_to(std::size_t bytes) {
  if (bytes <= kSmall) return true;
  if (!room_->claim(bytes - counted_, counted_, is_report_)) return false;
  counted_ = bytes;
  return true;
}

}  // namespace pena::turn
