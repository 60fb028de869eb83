#include "cli/worked.hpp"

#include <string.h>  // NOLINT(modernize-deprecated-headers): sigabbrev_np is not of <cstring>

#include "cli/quantity.hpp"
#include "core/one_line.hpp"

namespace pena::cli {

std::string told(const process::CommandEnd& end) {
  if (end.signal == 0) return "exit " + std::to_string(end.exit_code);
  const char* const name = ::sigabbrev_np(end.signal);
  return name != nullptr ? std::string{"killed by SIG"} + name
                         : "killed by signal " + std::to_string(end.signal);
}

client::Outcome outcome_of(const process::CommandEnd& end, const std::string& error_tail,
                           const std::string& result,
                           std::optional<std::chrono::milliseconds> timeout) {
  if (!timeout && end.signal == 0 && end.exit_code == 0) return client::Done{result};
  std::string error =
      timeout ? "it took longer than " + written(core::Duration{*timeout}) : told(end);
  if (!error_tail.empty()) error += ": " + error_tail;
  const bool is_final = !timeout && end.signal == 0 && end.exit_code == kDataError;
  return client::Failed{std::move(error), std::nullopt, is_final};
}

std::string_view word(const Worked& worked) {
  if (worked.not_taken) return "not_taken";
  if (std::holds_alternative<client::Done>(worked.outcome)) return "done";
  return failure(worked.outcome) != nullptr ? "failed" : "given_back";
}

bool is_final(const Worked& worked) {
  if (worked.not_taken || std::holds_alternative<client::Done>(worked.outcome)) return false;
  const client::Failed* const failed = failure(worked.outcome);
  return worked.msg.last_attempt || (failed != nullptr && failed->final);
}

std::string name_of(const client::Msg& msg) {
  return "the msg " + msg.id.text() +
         (msg.key.empty() ? "" : " (key " + core::one_line(msg.key) + ")");
}

const client::Failed* failure(const client::Outcome& outcome) {
  return std::get_if<client::Failed>(&outcome);
}

}  // namespace pena::cli
