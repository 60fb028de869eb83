#include "wire/names.hpp"

#include <algorithm>

#include "core/limits.hpp"
#include "core/msg.hpp"
#include "core/one_line.hpp"
#include "wire/utf8.hpp"

namespace pena::wire {

std::string queue_name_rule() {
  return "1 to " + std::to_string(core::kLongestQueueName) + " of a-z, 0-9, '.', '_' and '-'";
}

bool is_queue_name(std::string_view name) {
  return !name.empty() && name.size() <= core::kLongestQueueName &&
         std::ranges::all_of(name, [](char letter) {
           return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') ||
                  letter == '.' || letter == '_' || letter == '-';
         });
}

std::string_view short_queue_name(std::string_view name) {
  return name == core::kDefaultQueueName ? std::string_view{} : name;
}

std::string_view full_queue_name(std::string_view name) {
  return name.empty() ? core::kDefaultQueueName : name;
}

std::string key_rule() {
  return "1 to " + std::to_string(core::kLongestKey) + " bytes of UTF-8";
}

bool is_key(std::string_view key) {
  return !key.empty() && key.size() <= core::kLongestKey && is_utf8(key);
}

std::string shown_key(std::string_view key) {
  return '"' + core::one_line(key) + '"';
}

std::string client_name_rule() {
  return "1 to " + std::to_string(core::kLongestClientName) +
         " bytes of UTF-8 without control characters";
}

bool is_client_name(std::string_view name) {
  const auto is_control = [](char letter) {
    return static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f;
  };
  // U+0080 to U+009F, which are control characters, too.
  for (std::size_t at = 0; at + 1 < name.size(); ++at) {
    if (name[at] == '\xc2' && static_cast<unsigned char>(name[at + 1]) < 0xa0) return false;
  }
  return !name.empty() && name.size() <= core::kLongestClientName && is_utf8(name) &&
         std::ranges::none_of(name, is_control);
}

}  // namespace pena::wire
