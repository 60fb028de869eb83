#include "wire/quote.hpp"

namespace pena::wire {

std::string quote(std::string_view text) {
  constexpr std::size_t kMost = 40;
  std::string out = "\"";
  for (const char letter : text.substr(0, kMost)) {
    const bool printable = letter >= ' ' && letter <= '~' && letter != '"';
    out += printable ? letter : '?';
  }
  return out + (text.size() > kMost ? "…\"" : "\"");
}

}  // namespace pena::wire
