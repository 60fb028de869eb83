#include "cli/option_names.hpp"

#include <algorithm>
#include <string_view>

#include "core/limits_list.hpp"

namespace pena::cli {
namespace {

// The option that sets what an engine calls so; empty: none.
std::string_view option_of(std::string_view name) {
  if (name == "allow_hosts") return "--allow-host";
  const auto limits = core::all_limits();
  const auto found = std::ranges::find(limits, name, &core::Limit::name);
  return found == limits.end() ? std::string_view{} : found->option;
}

bool is_of_a_name(char letter) {
  return (letter >= 'a' && letter <= 'z') || letter == '_';
}

}  // namespace

std::string with_option_names(const std::string& sentence) {
  std::string text;
  for (std::size_t at = 0; at < sentence.size();) {
    std::size_t end = at;
    while (end < sentence.size() && is_of_a_name(sentence[end])) ++end;
    const std::string_view word = std::string_view{sentence}.substr(at, end - at);
    if (const auto option = option_of(word); !option.empty()) {
      text += option;
    } else if (!word.empty()) {
      text += word;
    } else {
      text += sentence[end++];
    }
    at = end;
  }
  return text;
}

}  // namespace pena::cli
