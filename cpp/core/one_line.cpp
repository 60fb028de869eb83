#include "core/one_line.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/cut_text.hpp"

namespace pena::core {
namespace {

constexpr std::string_view kSpace = " \t\r\n\f\v";

unsigned byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

// How many bytes the character has that the text begins with, and which it is; 0 where it is none.
std::size_t read_character(std::string_view text, std::uint32_t& character) {
  constexpr std::array<std::uint32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
  const unsigned first = byte_at(text, 0);
  std::size_t size = 0;
  if (first < 0x80) {
    size = 1;
    character = first;
  } else if (first >= 0xC0 && first < 0xE0) {
    size = 2;
    character = first & 0x1FU;
  } else if (first >= 0xE0 && first < 0xF0) {
    size = 3;
    character = first & 0x0FU;
  } else if (first >= 0xF0 && first < 0xF8) {
    size = 4;
    character = first & 0x07U;
  }
  if (size == 0 || size > text.size()) return 0;
  for (std::size_t at = 1; at < size; ++at) {
    const unsigned next = byte_at(text, at);
    if ((next & 0xC0U) != 0x80U) return 0;
    character = character << 6U | (next & 0x3FU);
  }
  const bool is_half = character >= 0xD800 && character < 0xE000;
  return character < kLeast.at(size) || character > 0x10FFFF || is_half ? 0 : size;
}

bool moves_the_line(std::uint32_t character) {
  const auto among = [character](std::uint32_t first, std::uint32_t last) {
    return character >= first && character <= last;
  };
  return among(0, 0x1F) || among(0x7F, 0x9F) ||          // control characters
         among(0x200E, 0x200F) || among(0x2028, 0x202E)  // ends of lines, directions
         || among(0x2066, 0x2069);
}

std::string escaped(unsigned byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  if (byte == '\n') return "\\n";
  if (byte == '\r') return "\\r";
  if (byte == '\t') return "\\t";
  return {'\\', 'x', kDigits[byte / 16], kDigits[byte % 16]};
}

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  return text.substr(0, text.find_last_not_of(kSpace) + 1);
}

}  // namespace

std::string one_line(std::string_view text, std::size_t most) {
  std::string line;
  std::size_t fits = 0;  // so much of it has room for the mark
  for (text = trimmed(text); !text.empty();) {
    std::uint32_t character = 0;
    const std::size_t size = read_character(text, character);
    if (size == 0 || moves_the_line(character)) {
      line += escaped(byte_at(text, 0));
      text.remove_prefix(1);
    } else {
      line += text.substr(0, size);
      text.remove_prefix(size);
    }
    if (line.size() + kCutMark.size() <= most) fits = line.size();
    if (line.size() > most) return line.substr(0, fits).append(kCutMark);
  }
  return line;
}

}  // namespace pena::core
