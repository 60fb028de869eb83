#include <chrono>

#include "cli/commands.hpp"
#include "cli/json_lines.hpp"
#include "cli/logging.hpp"
#include "cli/output.hpp"
#include "cli/run.hpp"
#include "cli/stop_signals.hpp"
#include "server/server.hpp"

namespace pena::cli {

// How long a signal may wait for its answer.
constexpr std::chrono::milliseconds kLook{50};

int run_server(const ServerCommand& command) {
  server::ServerSettings settings = command.settings;
  settings.log = log_to_stderr(command.output);
  // Before the first line goes out: whoever reads it may send a signal at once.
  const StopSignals signals;
  server::Server server{std::move(settings)};
  print_line(stdout, command.output.json ? json_url(server.url()) : "listening on " + server.url());
  try {
    while (!signals.arrived() && !server.wait(kLook)) {
    }
    server.stop();
    server.wait();
  } catch (const std::exception& error) {
    // A store that fails while it serves is a failed run, not a store that could not be opened.
    print_error(command.output.json, error.what());
    return kFailed;
  }
  const server::Stats stats = server.stats();
  print_line(stderr, command.output.json ? json_summary(stats) : summary(stats));
  return kOk;
}

}  // namespace pena::cli
