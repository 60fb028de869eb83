// What the engines say, on its way to Python's logging.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/log.hpp"

namespace pena::bind {

// Engines put lines in from any thread and never wait for Python; one thread of Python's takes them
// out. Guarded by one mutex. Beyond kMostLines or
// kMostBytes lines are dropped and counted.
class LogQueue {
 public:
  struct Line {
    std::string logger;  // "pena.server", "pena.client"
    int level = 0;       // in logging's numbers: 10 debug … 40 error
    std::string text;
  };

  // Lines below `threshold` (logging's numbers) are dropped.
  void set_threshold(int threshold);
  // Any thread, without waiting.
  [[nodiscard]] bool wants(core::LogLevel level) const;
  void put(std::string_view logger, core::LogLevel level, std::string_view text);
  // Waits for lines and takes all there are; none: the queue is closed and empty.
  [[nodiscard]] std::vector<Line> take();
  // Waits, at most `timeout`, until all lines put so far were taken and their taker has come back
  // for more. True when it has.
  bool flush(std::chrono::milliseconds timeout);
  // take() gives what is left and then nothing.
  void close();

 private:
  static constexpr std::size_t kMostLines = 100'000;
  static constexpr std::size_t kMostBytes = std::size_t{32} << 20U;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Line> lines_;
  std::size_t bytes_ = 0;
  std::size_t dropped_ = 0;
  std::atomic<int> threshold_ = 0;
  bool taker_waits_ = false;
  bool closed_ = false;
};

// A sink that puts into `queue`, which it keeps alive.
[[nodiscard]] core::LogSink log_sink(std::shared_ptr<LogQueue> queue, std::string logger);

}  // namespace pena::bind
