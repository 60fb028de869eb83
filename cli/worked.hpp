// What became of a command that was run for a msg, and what is said of it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "client/handlers.hpp"
#include "process/command.hpp"

namespace pena::cli {

// Exit codes of a command that say more than that it failed, as <sysexits.h> has them.
inline constexpr int kDataError = 65;  // final: this msg will never do

// As many bytes of an error are kept by a server that is not told otherwise.
inline constexpr std::size_t kErrorBytes = 1024;

struct Worked {
  client::Msg msg;
  client::Outcome outcome;
  std::optional<int> exit;  // none: it was killed by a signal, or never began
  double seconds = 0;
  std::optional<std::string> not_taken = std::nullopt;  // why the server did not take it
  bool is_read = true;                                  // otherwise of the msg only its id is known
};

// "exit 3", "killed by SIGSEGV".
[[nodiscard]] std::string told(const process::CommandEnd& end);

// `error_tail`: the end of its stderr. `timeout`: what it was ended for; none: it was not.
[[nodiscard]] client::Outcome outcome_of(const process::CommandEnd& end,
                                         const std::string& error_tail, const std::string& result,
                                         std::optional<std::chrono::milliseconds> timeout);
// "done", "failed", "given_back" or "not_taken".
[[nodiscard]] std::string_view word(const Worked& worked);
// The msg has failed for good: it says so, or this was its last attempt.
[[nodiscard]] bool is_final(const Worked& worked);
// "the msg dc2933fbave5109cvn2g (key order 7)".
[[nodiscard]] std::string name_of(const client::Msg& msg);
// Null where it did not fail.
[[nodiscard]] const client::Failed* failure(const client::Outcome& outcome);

}  // namespace pena::cli
