// Small words of HTTP's grammar (RFC 9110, 5.6) that several readers share.
#pragma once

#include <string_view>

namespace pena::wire {

[[nodiscard]] bool is_token(char letter);
[[nodiscard]] bool is_token(std::string_view text);  // at least one letter
// A control character other than the tab: never part of a line.
[[nodiscard]] bool is_control(char letter);
// Alike but for the case of ASCII letters.
[[nodiscard]] bool same_text(std::string_view a, std::string_view b);
// A list with commas, as `Connection` has: whether the word is in it.
[[nodiscard]] bool lists_word(std::string_view list, std::string_view word);

}  // namespace pena::wire
