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
};

// "exit 3", "killed by SIGSEGV".
[[nodiscard]] std::string told(const process::CommandEnd& end);

// `error_tail`: the end of its stderr. `timeout`: what it was ended for; none: it was not.
[[nodiscard]] client::Outcome outcome_of(const process::CommandEnd& end,
                                         const std::string& error_tail, const std::string& result,
                                         std::optional<std::chrono::milliseconds> timeout);
// "done", "failed" or "given_back".
[[nodiscard]] std::string_view word(const client::Outcome& outcome);
// Null where it did not fail.
[[nodiscard]] const client::Failed* failure(const client::Outcome& outcome);

}  // namespace pena::cli
