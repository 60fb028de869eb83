#include "wire/quote.hpp"

namespace pena::wire {

std::string quote(std::string_view text) {
  constexpr std::size_t kMost = 40;
  const std::string_view shown = text.substr(0, kMost);
  const char mark = shown.find('"') == std::string_view::npos ? '"' : '\'';
  std::string out{mark};
  for (const char letter : shown) out += letter >= ' ' && letter <= '~' ? letter : '?';
  if (text.size() > kMost) out += "…";
  return out + mark;
}

}  // namespace pena::wire
