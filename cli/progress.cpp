#include "cli/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "cli/output.hpp"
#include "core/number_text.hpp"

namespace pena::cli {

Progress::Progress(bool silent, std::uint64_t count)
    : silent_(silent),
      rewrites_(isatty(STDOUT_FILENO) == 1),
      count_(count),
      started_(Clock::now()),
      next_at_(started_) {}

Progress::~Progress() {
  if (!silent_) print_text("\n");
}

void Progress::show(const server::Stats& stats, std::uint64_t clients_ended) {
  using namespace std::chrono_literals;
  const auto now = Clock::now();
  if (silent_ || now < next_at_) return;
  next_at_ = now + (rewrites_ ? 100ms : 1000ms);
  if (!rewrites_) return print_line(line(stats, clients_ended));
  // Back to the left, and away with what is longer than the new line.
  print_text("\r" + line(stats, clients_ended) + "\x1b[K");
}

// Short enough for 80 columns: a line that wraps cannot be rewritten.
std::string Progress::line(const server::Stats& stats, std::uint64_t clients_ended) const {
  const double seconds = std::chrono::duration<double>(Clock::now() - started_).count();
  const auto number = [](std::uint64_t value) {
    return std::to_string(value);
  };
  const std::string time = core::fixed_text(seconds, 1);
  return std::string(5 - std::min<std::size_t>(time.size(), 5), ' ') + time + " s  generated " +
         number(stats.counts.generated) + "/" + number(count_) + "  sent " +
         number(stats.counts.sent) + "  held " + number(stats.counts.held) + "  reported " +
         number(stats.counts.reported) + "  failed " + number(stats.counts.failed) + "  ended " +
         number(clients_ended);
}

}  // namespace pena::cli
