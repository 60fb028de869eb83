// A piece of what a peer sent, fit to stand in an error's sentence.
#pragma once

#include <string>
#include <string_view>

namespace pena::wire {

// In quotation marks, single ones where it has double ones; at most 40 characters, with a '?' for
// each byte that is not printable ASCII.
[[nodiscard]] std::string quote(std::string_view text);

}  // namespace pena::wire
