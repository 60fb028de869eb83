#include "cli/progress.hpp"

#include <unistd.h>

#include <array>
#include <cstdio>

#include "cli/output.hpp"

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
  std::array<char, 160> text{};
  const auto number = [](std::uint64_t value) {
    return static_cast<unsigned long long>(value);
  };
  std::snprintf(text.data(), text.size(),
                "%5.1f s  generated %llu/%llu  sent %llu  held %llu  reported %llu  failed %llu  "
                "ended %llu",
                seconds, number(stats.counts.generated), number(count_), number(stats.counts.sent),
                number(stats.counts.held), number(stats.counts.reported),
                number(stats.counts.failed), number(clients_ended));
  return text.data();
}

}  // namespace pena::cli
