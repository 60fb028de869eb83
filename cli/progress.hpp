// The live line of the demo.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "server/server.hpp"

namespace pena::cli {

// One line that is rewritten on a terminal; elsewhere a line a second. Silent with --json.
class Progress {
 public:
  Progress(bool silent, std::uint64_t count);
  // Ends the line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // May be called as often as one likes.
  void show(const server::Stats& stats, std::uint64_t clients_ended);

 private:
  using Clock = std::chrono::steady_clock;
  [[nodiscard]] std::string line(const server::Stats& stats, std::uint64_t clients_ended) const;

  bool silent_;
  bool rewrites_;
  std::uint64_t count_;
  Clock::time_point started_;
  Clock::time_point next_at_;
};

}  // namespace pena::cli
