// What the engines say while they run, handed to whoever started them: the CLI prints it, Python
// logs it.
#pragma once

#include <functional>
#include <string_view>

namespace pena::core {

enum class LogLevel { debug, info, warning, error };

// Called from an engine's threads, possibly from several at once; must not call back into the
// engine.
using LogSink = std::function<void(LogLevel, std::string_view)>;

}  // namespace pena::core
