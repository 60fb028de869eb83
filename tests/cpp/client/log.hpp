// What a client says above debug, a line each. Any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>

#include "core/log.hpp"

namespace pena::client::test {

class Log {
 public:
  [[nodiscard]] core::LogSink sink() {
    return core::LogSink{[this](core::LogLevel level, std::string_view text) {
      if (level == core::LogLevel::debug) return;
      const std::lock_guard lock(mutex_);
      text_.append(text).append("\n");
      said_.notify_all();
    }};
  }
  [[nodiscard]] std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  // Once that was said, or not within ten seconds.
  [[nodiscard]] std::string text_with(const std::string& words) {
    std::unique_lock lock(mutex_);
    said_.wait_for(lock, std::chrono::seconds{10},
                   [&] { return text_.find(words) != std::string::npos; });
    return text_;
  }
  // When something was said.
  [[nodiscard]] std::string first_text() { return text_with("\n"); }

 private:
  mutable std::mutex mutex_;
  std::condition_variable said_;
  std::string text_;
};

}  // namespace pena::client::test
