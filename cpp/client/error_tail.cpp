#include "client/error_tail.hpp"

#include "core/cut_text.hpp"
#include "wire/utf8.hpp"

namespace pena::client {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

bool goes_on(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

// `kept` may begin within a character, where it was cut.
std::string mended(std::string_view kept, bool is_cut) {
  while (is_cut && !kept.empty() && goes_on(kept.front())) kept.remove_prefix(1);
  std::string text;
  while (!kept.empty()) {
    const std::size_t size = wire::utf8_length(kept);
    text += size > 0 ? kept.substr(0, size) : kReplacement;
    kept.remove_prefix(size > 0 ? size : 1);
  }
  return text;
}

}  // namespace

void ErrorTail::add(std::string_view bytes) {
  kept_ += bytes;
  // Now and then, for each time what is left is moved. What is white space at the end is kept, too.
  if (kept_.size() <= 4 * most_) return;
  kept_.erase(0, kept_.size() - 2 * most_);
  is_cut_ = true;
}

std::string ErrorTail::text() const {
  constexpr std::string_view kSpace = " \t\r\n\f\v";
  std::string text = mended(kept_, is_cut_);
  text.erase(text.find_last_not_of(kSpace) + 1);
  if (!is_cut_ && text.size() <= most_) return text;
  if (text.size() > most_ - core::kCutMark.size()) {
    std::size_t from = text.size() - (most_ - core::kCutMark.size());
    while (from < text.size() && goes_on(text[from])) ++from;
    text.erase(0, from);
  }
  return std::string{core::kCutMark} + text;
}

}  // namespace pena::client
