#include "cli/live_line.hpp"

#include <unistd.h>

#include "cli/output.hpp"

namespace pena::cli {

using namespace std::chrono_literals;

LiveLine::LiveLine(bool silent)
    : silent_(silent), rewrites_(isatty(STDERR_FILENO) == 1), next_at_(Clock::now() + 100ms) {}

LiveLine::~LiveLine() {
  if (shown_ && rewrites_) say_line("");
}

void LiveLine::show(const std::function<std::string()>& text) {
  const auto now = Clock::now();
  if (silent_ || now < next_at_) return;
  next_at_ = now + (rewrites_ ? 100ms : 5000ms);
  shown_ = true;
  if (!rewrites_) return say_line(text());
  // Back to the left, and away with what is longer than the new line.
  say_text("\r" + text() + "\x1b[K");
}

}  // namespace pena::cli
