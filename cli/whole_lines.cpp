#include "cli/whole_lines.hpp"

#include <utility>

namespace pena::cli {

std::string WholeLines::add(std::string_view text) {
  begun_ += text;
  const std::size_t end = begun_.rfind('\n');
  std::string lines = begun_.substr(0, end == std::string::npos ? 0 : end + 1);
  begun_.erase(0, lines.size());
  if (begun_.size() >= kLongest) lines += rest();
  return lines;
}

std::string WholeLines::rest() {
  std::string rest = std::exchange(begun_, {});
  if (!rest.empty()) rest += '\n';
  return rest;
}

}  // namespace pena::cli
