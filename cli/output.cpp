#include "cli/output.hpp"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <utility>

#include "cli/crew.hpp"
#include "cli/json_lines.hpp"
#include "cli/stop_signals.hpp"

namespace pena::cli {
namespace {

// Of a stdout that is read, so that whoever writes much need not wait for each piece.
constexpr std::size_t kMostAhead = std::size_t{4} << 20U;
// More, or one that writes as much as it may would leave no room for others to begin.
constexpr std::size_t kMostToBegin = 2 * kMostAhead;

std::atomic<Outputs*> the_outputs = nullptr;

// Where no command runs, as in tests of the parts.
void write_directly(int file, std::string_view text) {
  [[maybe_unused]] const ssize_t written = ::write(file, text.data(), text.size());
}

bool has_less_than(std::size_t bytes) {
  Outputs* const outputs = the_outputs;
  return outputs == nullptr || outputs->out.waiting() < bytes || stdout_has_failed();
}

}  // namespace

// Nothing of a result is dropped.
Outputs::Outputs()
    : out(STDOUT_FILENO, std::numeric_limits<std::size_t>::max()), err(STDERR_FILENO) {
  the_outputs = this;
}
Outputs::~Outputs() {
  the_outputs = nullptr;
}

void print_text(std::string_view text) {
  Outputs* const outputs = the_outputs;
  if (outputs == nullptr) return write_directly(STDOUT_FILENO, text);
  outputs->out.put(text);
}

void flush_stdout(LineWriter::Milliseconds patience) {
  Outputs* const outputs = the_outputs;
  if (outputs == nullptr) return;
  const auto no_signal = [] {
    return !StopSignals::any_arrived();
  };
  // Whoever flushes again after the signals' end would wait for ever.
  if (!outputs->nobody_reads) {
    if (outputs->out.flush(std::chrono::hours{24 * 365}, no_signal)) return;
    // One that came before has ended what ran, and not the wait for what that has printed.
    const bool came_before = StopSignals::arrived_again();
    const auto goes_on = [came_before] {
      return came_before || !StopSignals::arrived_again();
    };
    std::size_t before = std::numeric_limits<std::size_t>::max();
    for (std::size_t left = outputs->out.waiting();
         left < before && goes_on() && outputs->out.failure() == 0;
         before = left, left = outputs->out.waiting()) {
      if (outputs->out.flush(patience, goes_on)) return;
    }
    outputs->nobody_reads = true;
  }
  const int code = outputs->out.failure();
  throw OutputError("cannot write to stdout: " +
                    (code != 0 ? std::string{std::strerror(code)} : "nobody reads it"));
}

bool stdout_takes_more() {
  return has_less_than(kMostAhead);
}

bool stdout_takes_another() {
  return has_less_than(kMostToBegin);
}

bool stdout_has_failed() {
  Outputs* const outputs = the_outputs;
  return outputs != nullptr && outputs->out.failure() != 0;
}

void print_line(std::string_view line) {
  print_text(std::string{line} + "\n");
  flush_stdout();
}

void say_text(std::string_view text) {
  Outputs* const outputs = the_outputs;
  if (outputs == nullptr) return write_directly(STDERR_FILENO, text);
  outputs->err.put(text);
}

void say_line(std::string_view line) {
  say_text(std::string{line} + "\n");
}

void tell_dropped_by(std::function<std::string(const std::string&)> line) {
  Outputs* const outputs = the_outputs;
  if (outputs != nullptr) outputs->err.tell_dropped_by(std::move(line));
}

void end_process(int exit_code) {
  if (Outputs* const outputs = the_outputs) {
    (void)outputs->out.flush(LineWriter::kPatience);
    (void)outputs->err.flush(LineWriter::kPatience);
  }
  std::_Exit(exit_code);
}

void print_error(bool json, std::string_view sentence) {
  say_line(json ? json_error(sentence) : "pena: " + std::string{sentence});
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
