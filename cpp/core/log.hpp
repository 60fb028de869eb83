// What the engines say while they run, handed to whoever started them: the CLI prints it, Python
// logs it.
#pragma once

#include <functional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace pena::core {

enum class LogLevel { debug, info, warning, error };

// Called from an engine's threads, possibly from several at once; must not call back into the
// engine.
class LogSink {
 public:
  using Write = std::function<void(LogLevel, std::string_view)>;
  using Wants = std::function<bool(LogLevel)>;

  LogSink() = default;  // silent
  // `wants`: which lines are worth writing out; none: all.
  LogSink(Write write, Wants wants) : write_(std::move(write)), wants_(std::move(wants)) {}
  template <class Function>
  requires std::is_invocable_v<Function&, LogLevel, std::string_view> LogSink(Function write)
      : write_(std::move(write)) {}  // NOLINT(google-explicit-constructor)

  explicit operator bool() const { return static_cast<bool>(write_); }
  [[nodiscard]] bool wants(LogLevel level) const { return write_ && (!wants_ || wants_(level)); }
  void operator()(LogLevel level, std::string_view text) const { write_(level, text); }

 private:
  Write write_;
  Wants wants_;
};

}  // namespace pena::core
