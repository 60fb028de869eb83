// Logs to stderr.
#pragma once

#include "cli/output.hpp"
#include "core/log.hpp"

namespace pena::cli {

// A sink for the engines; empty where logs are off. Any thread may call it. With --json every log
// is one JSON object a line; otherwise text, coloured on a terminal unless NO_COLOR is set.
[[nodiscard]] core::LogSink log_to_stderr(const Output& output);

}  // namespace pena::cli
