#include "cli/msg_variables.hpp"

#include <algorithm>

#include "process/command.hpp"

namespace pena::cli {

std::vector<std::string> without_msg(const char* const* environment) {
  std::vector<std::string> entries;
  for (; *environment != nullptr; ++environment) {
    const std::string_view entry{*environment};
    const bool is_of_a_msg =
        std::ranges::find(kMsgVariables, entry.substr(0, entry.find('='))) != kMsgVariables.end();
    if (!is_of_a_msg) entries.emplace_back(entry);
  }
  return entries;
}

std::vector<std::string> variables_of(const client::Msg& msg, const std::string& payload) {
  std::vector<std::string> entries{
      "PENA_ID=" + msg.id.text(), "PENA_ATTEMPT=" + std::to_string(msg.attempt),
      std::string{"PENA_LAST_ATTEMPT="} + (msg.last_attempt ? "1" : "0"),
      "PENA_QUEUE=" + msg.queue};
  const auto add = [&entries](std::string entry) {
    const bool fits = entry.size() < process::kLongestArgument;
    if (fits && entry.find('\0') == std::string::npos) entries.push_back(std::move(entry));
  };
  if (!msg.key.empty()) add("PENA_KEY=" + msg.key);
  add("PENA_PAYLOAD=" + payload);
  return entries;
}

}  // namespace pena::cli
