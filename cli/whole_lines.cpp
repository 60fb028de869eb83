#include "cli/whole_lines.hpp"

#include <utility>

namespace pena::cli {

std::string WholeLines::add(std::string_view text) {
  std::string lines;
  // Only what is new is looked at: a line may come in many pieces.
  if (const std::size_t end = text.rfind('\n'); end != std::string_view::npos) {
    lines = std::exchange(begun_, {});
    lines += text.substr(0, end + 1);
    text.remove_prefix(end + 1);
    is_cut_ = false;
  }
  begun_ += text;
  if (begun_.size() < kLongest) return lines;
  is_cut_ = true;
  return lines + std::exchange(begun_, {});
}

std::string WholeLines::rest() {
  std::string rest = std::exchange(begun_, {});
  if (!rest.empty() || std::exchange(is_cut_, false)) rest += '\n';
  return rest;
}

}  // namespace pena::cli
