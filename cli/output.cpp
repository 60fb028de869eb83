#include "cli/output.hpp"

#include "cli/crew.hpp"
#include "cli/json_lines.hpp"

namespace pena::cli {

void print_line(std::FILE* to, std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), to);
  std::fputc('\n', to);
  std::fflush(to);
}

void print_error(bool json, std::string_view sentence) {
  print_line(stderr, json ? json_error(sentence) : "pena: " + std::string{sentence});
}

std::string summary(const server::Stats& stats) {
  const core::Counts& counts = stats.counts;
  return "pena: stopped after " + std::to_string(counts.generated) + " generated, " +
         std::to_string(counts.submitted) + " submitted, " + std::to_string(counts.sent) +
         " sent (" + std::to_string(counts.resent) + " again), " + std::to_string(counts.reported) +
         " reported, " + std::to_string(counts.failed) + " failed";
}

std::string told(const Run& run) {
  const client::ClientStats& stats = run.stats;
  return "client " + std::to_string(run.client + 1) + ", batchsize " +
         std::to_string(run.batchsize) + ": received " + std::to_string(stats.received) +
         ", processed " + std::to_string(stats.processed) + ", panicked " +
         std::to_string(stats.panicked) + ", refused " + std::to_string(stats.refused) +
         ", reported " + std::to_string(stats.reported) + " in " + std::to_string(stats.batches) +
         " batches; ended (" + std::string{client::word(run.end.reason)} + "): " + run.end.text;
}

std::string_view word(core::LogLevel level) {
  switch (level) {
    case core::LogLevel::debug:
      return "debug";
    case core::LogLevel::info:
      return "info";
    case core::LogLevel::warning:
      return "warning";
    case core::LogLevel::error:
      return "error";
  }
  return "error";
}

}  // namespace pena::cli
