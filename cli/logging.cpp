// The only file that knows spdlog.
#include "cli/logging.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "cli/json_lines.hpp"

namespace pena::cli {
namespace {

spdlog::level::level_enum spdlog_level(core::LogLevel level) {
  switch (level) {
    case core::LogLevel::debug:
      return spdlog::level::debug;
    case core::LogLevel::info:
      return spdlog::level::info;
    case core::LogLevel::warning:
      return spdlog::level::warn;
    case core::LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

// https://no-color.org: set and not empty.
bool colours_wanted() {
  const char* const no_color = std::getenv("NO_COLOR");
  return isatty(STDERR_FILENO) == 1 && (no_color == nullptr || *no_color == '\0');
}

}  // namespace

core::LogSink log_to_stderr(const Output& output) {
  if (!output.log_level) return {};
  const bool colours = !output.json && colours_wanted();
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>(
      colours ? spdlog::color_mode::always : spdlog::color_mode::never);
  auto logger = std::make_shared<spdlog::logger>("pena", std::move(sink));
  logger->set_level(spdlog_level(*output.log_level));
  logger->set_pattern(output.json ? "%v" : "%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
  const auto wants = [logger](core::LogLevel level) {
    return logger->should_log(spdlog_level(level));
  };
  const auto write = [logger, json = output.json](core::LogLevel level, std::string_view text) {
    const auto its_level = spdlog_level(level);
    if (!logger->should_log(its_level)) return;
    if (json) {
      logger->log(its_level, spdlog::string_view_t{json_log(level, text)});
    } else {
      logger->log(its_level, spdlog::string_view_t{text.data(), text.size()});
    }
  };
  return {write, wants};
}

}  // namespace pena::cli
