// The only file that knows spdlog.
#include "cli/logging.hpp"

#include <spdlog/details/log_msg.h>
#include <spdlog/pattern_formatter.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>

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

std::string_view colour_of(core::LogLevel level) {
  switch (level) {
    case core::LogLevel::debug:
      return "\x1b[36m";
    case core::LogLevel::info:
      return "\x1b[32m";
    case core::LogLevel::warning:
      return "\x1b[33m\x1b[1m";
    case core::LogLevel::error:
      return "\x1b[31m\x1b[1m";
  }
  return "";
}

// https://no-color.org: set and not empty.
bool colours_wanted() {
  const char* const no_color = std::getenv("NO_COLOR");
  return isatty(STDERR_FILENO) == 1 && (no_color == nullptr || *no_color == '\0');
}

// How a line looks. Guarded by a mutex, for spdlog's formatter is not for several threads.
class LineFormat {
 public:
  explicit LineFormat(const Output& output)
      : json_(output.json), colours_(!json_ && colours_wanted()) {}

  [[nodiscard]] std::string line(core::LogLevel level, std::string_view text) {
    if (json_) return json_log(level, text) + "\n";
    const spdlog::string_view_t message{text.data(), text.size()};
    const spdlog::details::log_msg parts{"pena", spdlog_level(level), message};
    spdlog::memory_buf_t written;
    {
      const std::lock_guard lock{mutex_};
      formatter_.format(parts, written);
    }
    std::string line{written.data(), written.size()};
    if (colours_) {
      line.insert(parts.color_range_end, "\x1b[m");
      line.insert(parts.color_range_start, colour_of(level));
    }
    return line;
  }

 private:
  const bool json_;
  const bool colours_;
  std::mutex mutex_;
  spdlog::pattern_formatter formatter_{"%Y-%m-%d %H:%M:%S.%e %^%l%$ %v"};
};

}  // namespace

core::LogSink log_to_stderr(const Output& output) {
  if (!output.log_level) return {};
  const auto format = std::make_shared<LineFormat>(output);
  tell_dropped_by([format](const std::string& sentence) {
    return format->line(core::LogLevel::warning, sentence);
  });
  const auto wants = [least = *output.log_level](core::LogLevel level) {
    return level >= least;
  };
  const auto write = [format, wants](core::LogLevel level, std::string_view text) {
    if (wants(level)) say_text(format->line(level, text));
  };
  return {write, wants};
}

}  // namespace pena::cli
