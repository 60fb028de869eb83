#include "cli/option_names.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string_view>

#include "cli/quantity.hpp"
#include "core/limits_list.hpp"

namespace pena::cli {
namespace {

// Null where no limit is called so.
const core::Limit* limit_of(std::string_view name) {
  const auto limits = core::all_limits();
  const auto found = std::ranges::find(limits, name, &core::Limit::name);
  return found == limits.end() ? nullptr : &*found;
}

// The option that sets what an engine calls so; empty: none.
std::string_view option_of(std::string_view name) {
  if (name == "allow_hosts") return "--allow-host";
  const core::Limit* const limit = limit_of(name);
  return limit == nullptr ? std::string_view{} : limit->option;
}

bool is_of_a_name(char letter) {
  return (letter >= 'a' && letter <= 'z') || letter == '_';
}

bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}

std::string_view begin_of(std::string_view text, bool (*is_of_it)(char)) {
  const auto end = std::ranges::find_if_not(text, is_of_it);
  return text.substr(0, static_cast<std::size_t>(end - text.begin()));
}

// None where there are no digits, or too many.
std::optional<std::size_t> number_of(std::string_view digits) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc{} ? std::optional{number} : std::nullopt;
}

}  // namespace

std::string as_typed(const std::string& sentence) {
  std::string text;
  bool of_bytes = false;  // what was named last
  for (std::size_t at = 0; at < sentence.size();) {
    const std::string_view rest = std::string_view{sentence}.substr(at);
    const std::string_view word = begin_of(rest, is_of_a_name);
    const std::string_view digits = begin_of(rest, is_digit);
    at += std::max({word.size(), digits.size(), std::size_t{1}});
    if (const core::Limit* const limit = limit_of(word)) {
      of_bytes = limit->unit == core::Limit::Unit::bytes;
    }
    if (const auto option = option_of(word); !option.empty()) {
      text += option;
    } else if (const auto size = of_bytes ? number_of(digits) : std::nullopt) {
      text += written_size(*size);
    } else {
      text += !word.empty() ? word : !digits.empty() ? digits : rest.substr(0, 1);
    }
  }
  return text;
}

}  // namespace pena::cli
