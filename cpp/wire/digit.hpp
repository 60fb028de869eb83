#pragma once

namespace pena::wire {

// Of ASCII, whatever the locale.
constexpr bool is_digit(int letter) {
  return letter >= '0' && letter <= '9';
}
}  // namespace pena::wire
