// Small words of HTTP's grammar (RFC 9110, 5.6) that several readers share.
#pragma once

#include <algorithm>
#include <string_view>

namespace pena::wire {

[[nodiscard]] bool is_token(char letter);
[[nodiscard]] bool is_token(std::string_view text);  // at least one letter
// A control character other than the tab: never part of a line.
[[nodiscard]] constexpr bool is_control(char letter) {
  return (static_cast<unsigned char>(letter) < 0x20 && letter != '\t') || letter == 0x7f;
}
// Looks at every byte, for a compiler turns that into few steps.
[[nodiscard]] constexpr bool has_control(std::string_view text) {
  bool found = false;
  for (const char letter : text) found = found | is_control(letter);
  return found;
}
[[nodiscard]] constexpr char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}
// Alike but for the case of ASCII letters.
[[nodiscard]] constexpr bool same_text(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}
// A list with commas, as `Connection` has: whether the word is in it.
[[nodiscard]] bool lists_word(std::string_view list, std::string_view word);

}  // namespace pena::wire
