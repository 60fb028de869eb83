// Text that others wrote, cut at a limit.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pena::core {

inline constexpr std::string_view kCutMark = "…";

// `text`, which is UTF-8, as it is, or as much of it as fits into `most` bytes together with the mark
// behind it. Never half a character. `most` has room for the mark.
[[nodiscard]] inline std::string cut_text(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string{text};
  const auto goes_on = [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
  };
  std::size_t kept = most - kCutMark.size();
  while (kept > 0 && goes_on(text[kept])) --kept;
  std::string cut;
  cut.reserve(kept + kCutMark.size());
  cut.append(text.substr(0, kept)).append(kCutMark);
  return cut;
}

}  // namespace pena::core
