// What a hexadecimal digit stands for.
#pragma once

#include <cstdint>
#include <string_view>

namespace pena::wire {

inline constexpr std::uint32_t kNoHexDigit = 16;

// 0 to 15, or kNoHexDigit.
[[nodiscard]] constexpr std::uint32_t hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return static_cast<std::uint32_t>(digit - '0');
  if (digit >= 'a' && digit <= 'f') return static_cast<std::uint32_t>(digit - 'a' + 10);
  if (digit >= 'A' && digit <= 'F') return static_cast<std::uint32_t>(digit - 'A' + 10);
  return kNoHexDigit;
}

// What the two digits at `at` say as one byte, above 0xff where they are none or not there.
[[nodiscard]] constexpr std::uint32_t hex_byte(std::string_view text, std::size_t at) {
  constexpr std::uint32_t kNone = 0x100;
  if (at > text.size() || text.size() - at < 2) return kNone;
  const std::uint32_t high = hex_value(text[at]);
  const std::uint32_t low = hex_value(text[at + 1]);
  return high == kNoHexDigit || low == kNoHexDigit ? kNone : high * 16 + low;
}

}  // namespace pena::wire
