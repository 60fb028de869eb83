// Text that a peer sent, fit to stand in a line of a log or on a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pena::core {

// Of foreign text in one line, in bytes.
inline constexpr std::size_t kMostShown = 200;

// Without the white space around it, and with \n, \r, \t or \x1b in the place of each control
// character, mark that turns the line's direction, and byte that is no UTF-8. Of what is longer than
// `most` bytes so much as fits together with a mark (core/cut_text) behind it.
[[nodiscard]] std::string one_line(std::string_view text, std::size_t most = kMostShown);

}  // namespace pena::core
