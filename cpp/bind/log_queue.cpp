#include "bind/log_queue.hpp"

#include <iterator>
#include <utility>

namespace pena::bind {
namespace {

int logging_number(core::LogLevel level) {
  switch (level) {
    case core::LogLevel::debug:
      return 10;
    case core::LogLevel::info:
      return 20;
    case core::LogLevel::warning:
      return 30;
    case core::LogLevel::error:
      return 40;
  }
  return 40;
}

}  // namespace

void LogQueue::set_threshold(int threshold) {
  threshold_ = threshold;
}

bool LogQueue::wants(core::LogLevel level) const {
  return logging_number(level) >= threshold_;
}

void LogQueue::put(std::string_view logger, core::LogLevel level, std::string_view text) {
  const int number = logging_number(level);
  {
    const std::lock_guard lock{mutex_};
    if (number < threshold_ || closed_) return;
    if (lines_.size() >= kMostLines || bytes_ + text.size() > kMostBytes) {
      ++dropped_;
      return;
    }
    bytes_ += text.size();
    lines_.push_back(Line{std::string{logger}, number, std::string{text}});
  }
  changed_.notify_all();
}

std::vector<LogQueue::Line> LogQueue::take() {
  std::unique_lock lock{mutex_};
  taker_waits_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return !lines_.empty() || closed_; });
  taker_waits_ = false;
  std::vector<Line> taken{std::make_move_iterator(lines_.begin()),
                          std::make_move_iterator(lines_.end())};
  lines_.clear();
  bytes_ = 0;
  if (dropped_ > 0) {
    taken.push_back(Line{"pena", logging_number(core::LogLevel::warning),
                         std::to_string(std::exchange(dropped_, 0)) +
                             " lines of the log were dropped, for Python did not take them in "
                             "time"});
  }
  return taken;
}

bool LogQueue::flush(std::chrono::milliseconds timeout) {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, timeout,
                           [this] { return (lines_.empty() && taker_waits_) || closed_; });
}

void LogQueue::close() {
  {
    const std::lock_guard lock{mutex_};
    closed_ = true;
  }
  changed_.notify_all();
}

core::LogSink log_sink(std::shared_ptr<LogQueue> queue, std::string logger) {
  const auto wants = [queue](core::LogLevel level) {
    return queue->wants(level);
  };
  const auto write = [queue, logger = std::move(logger)](core::LogLevel level,
                                                         std::string_view text) {
    queue->put(logger, level, text);
  };
  return {write, wants};
}

}  // namespace pena::bind
