// One line that is rewritten on a terminal; elsewhere a line every few seconds.
#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace pena::cli {

class LiveLine {
 public:
  // On stderr. `silent`: nothing at all.
  explicit LiveLine(bool silent);
  // Ends the line.
  ~LiveLine();
  LiveLine(const LiveLine&) = delete;
  LiveLine& operator=(const LiveLine&) = delete;

  // May be called as often as one likes; `text` only where it is time.
  void show(const std::function<std::string()>& text);

 private:
  using Clock = std::chrono::steady_clock;
  bool silent_;
  bool rewrites_;
  bool shown_ = false;
  Clock::time_point next_at_;
};

}  // namespace pena::cli
