// What the commands print for people, and how.
#pragma once

#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "core/log.hpp"
#include "server/server.hpp"

namespace pena::cli {

struct Run;

// How a command speaks: options that all of them have.
struct Output {
  bool json = false;                        // one JSON object a line, on stdout and stderr
  std::optional<core::LogLevel> log_level;  // none: off
};

// One line, flushed: a reader behind a pipe sees it at once.
void print_line(std::FILE* to, std::string_view line);
// `pena: <sentence>`, or {"error": …}, to stderr.
void print_error(bool json, std::string_view sentence);

[[nodiscard]] std::string summary(const server::Stats& stats);
[[nodiscard]] std::string told(const Run& run);
[[nodiscard]] std::string_view word(core::LogLevel level);

}  // namespace pena::cli
