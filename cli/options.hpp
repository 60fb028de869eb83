// What the command line and the environment ask for, as values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cli/output.hpp"
#include "client/client.hpp"
#include "client/producer.hpp"
#include "client/worker.hpp"
#include "core/limits.hpp"
#include "load/load.hpp"
#include "server/server.hpp"
#include "sim/scenario.hpp"

namespace pena::cli {

struct ServerCommand {
  server::ServerSettings settings;
  bool no_log = false;
  Output output{.json = false, .log_level = core::LogLevel::info};
};

struct ClientCommand {
  client::ClientSettings settings;
  std::uint32_t clients = 1;
  bool restart = false;  // start a client again that was ended by R15
  Output output{.json = false, .log_level = core::LogLevel::info};
};

// Times short enough to watch a grace run out.
[[nodiscard]] core::Timing demo_timing();

struct DemoCommand {
  std::uint32_t clients = 5;
  std::uint64_t count = 200;
  std::optional<std::uint64_t> seed;  // none: random, and told
  std::string store;                  // a folder that is kept; empty: a temporary one, removed
  client::Panicked panicked = client::Panicked::report;
  int max_resends = 3;
  core::Timing timing = demo_timing();
  Output output{.json = false, .log_level = core::LogLevel::error};
};

struct SimCommand {
  std::optional<std::uint64_t> seed;  // this one only, with its history
  std::uint64_t first_seed = 1;
  std::uint64_t seeds = 200;
  std::optional<double> hours;  // simulated, in all: then it stops, however many seeds that were
  core::Duration length = std::chrono::minutes{5};
  sim::FaultSet faults = sim::all_faults();
  bool all_at_once = false;  // no swarm
  std::uint32_t jobs = 0;    // 0: as many as there are cores
  Output output{.json = false, .log_level = core::LogLevel::error};
};

struct CheckCommand {
  std::string store;
  Output output{.json = false, .log_level = core::LogLevel::error};
};

struct BackupCommand {
  std::string store;
  std::string to;
  Output output{.json = false, .log_level = core::LogLevel::error};
};

struct BenchCommand {
  load::LoadSettings settings;
  Output output{.json = false, .log_level = core::LogLevel::error};
};

struct PutCommand {
  client::ProducerSettings settings{.queue = "default"};
  std::string file;                   // of JSON lines; "-": stdin; empty: none was named
  std::vector<std::string> payloads;  // JSON, in the place of a file
  bool text = false;                  // a line is a payload of text, and no JSON
  bool quiet = false;                 // no ids are printed
  std::string key_field;              // of the payload; empty: no keys
  std::optional<core::Duration> delay;
  std::optional<std::uint16_t> max_resends;
  core::Duration patience = std::chrono::seconds{60};
  Output output{.json = false, .log_level = core::LogLevel::warning};
};

struct WorkCommand {
  client::WorkerSettings settings;
  std::uint32_t jobs = 1;
  std::optional<core::Duration> timeout;  // of one run; none: it has the time it takes
  bool results = false;                   // what a run prints is its msg's result
  bool fail_on_failed = false;            // the exit code says that a msg has failed for good
  std::vector<std::string> command;       // what is run, with its arguments
  Output output{.json = false, .log_level = core::LogLevel::warning};
};

// --help, --version, or nothing at all: text to print to stdout, and the exit code.
struct ShowText {
  std::string text;
  int exit_code = 0;
};

struct BadUsage {
  std::string sentence;
  bool json = false;
};

using Command =
    std::variant<ServerCommand, ClientCommand, DemoCommand, SimCommand, CheckCommand, BackupCommand,
                 BenchCommand, PutCommand, WorkCommand, ShowText, BadUsage>;

// Reads the arguments behind argv[0], and for each option that is not among them its variable
// PENA_<COMMAND>_<OPTION>. Checks each option by itself; whether settings fit together is said by the
// engines.
[[nodiscard]] Command command_from(int argc, const char* const* argv);
// A sentence for each variable of an environment (`NAME=value` …, null) that begins with PENA_ and
// that no command reads.
[[nodiscard]] std::vector<std::string> strange_variables(const char* const* environment);

}  // namespace pena::cli
