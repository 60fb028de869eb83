// What the commands print for people, and how.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "cli/line_writer.hpp"
#include "core/log.hpp"
#include "server/server.hpp"

namespace pena::cli {

struct Run;

// How a command speaks: options that all of them have.
struct Output {
  bool json = false;                        // one JSON object a line, on stdout and stderr
  std::optional<core::LogLevel> log_level;  // none: off
};

// stdout and stderr while a command runs, each with a LineWriter. What follows writes through it, or
// directly where there is none. One object at a time in a process.
class Outputs {
 public:
  Outputs();
  ~Outputs();  // what is not written within LineWriter::kPatience is lost
  Outputs(const Outputs&) = delete;
  Outputs& operator=(const Outputs&) = delete;

  LineWriter out, err;
  std::atomic<bool> nobody_reads = false;  // stdout: a flush has given up
};

// What a command has to say was not written to stdout: what() says why.
class OutputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// One line to stdout. It is written when this returns: a reader behind a pipe sees it at once. Waits
// for a reader who is slow, but not for one who reads nothing once a signal asks for the end. Throws
// OutputError.
void print_line(std::string_view line);
// Likewise, without a line end and without waiting; that it fails is noticed by the next line.
void print_text(std::string_view text);
// Likewise of what was printed so far. `patience`: how long a reader may read nothing once a signal asks
// for the end. A second one that comes meanwhile ends the wait.
void flush_stdout(LineWriter::Milliseconds patience = LineWriter::kPatience);
// Whether whoever prints may go on, for a slow reader has not too much before it. Does not wait.
[[nodiscard]] bool stdout_takes_more();
// Likewise, whether another may begin to print: also where those that do fill what they may.
[[nodiscard]] bool stdout_takes_another();
// Whether something that was printed is lost, for nobody reads.
[[nodiscard]] bool stdout_has_failed();

// To stderr. Neither waits nor fails: whoever does not read loses lines, which are counted.
void say_line(std::string_view line);
void say_text(std::string_view text);
// How the sentence about lines that were lost is written, its line end included.
void tell_dropped_by(std::function<std::string(const std::string& sentence)> line);
// Ends the process at once, but for what is still to be written: that has LineWriter::kPatience each.
[[noreturn]] void end_process(int exit_code);
// `pena: <sentence>`, or {"error": …}, to stderr.
void print_error(bool json, std::string_view sentence);

[[nodiscard]] std::string summary(const server::Stats& stats);
[[nodiscard]] std::string told(const Run& run);
[[nodiscard]] std::string_view word(core::LogLevel level);

}  // namespace pena::cli
