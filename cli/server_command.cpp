#include <chrono>

#include "cli/commands.hpp"
#include "cli/json_lines.hpp"
#include "cli/logging.hpp"
#include "cli/output.hpp"
#include "cli/run.hpp"
#include "cli/stop_signals.hpp"
#include "server/server.hpp"

namespace pena::cli {

int run_server(const ServerCommand& command) {
  server::ServerSettings settings = command.settings;
  const core::LogSink log = log_to_stderr(command.output);
  settings.log = log;
  settings.disk_hangs = [] {
    end_process(kFailed);
  };
  // Before the first line goes out: whoever reads it may send a signal at once.
  StopSignals signals{StopSignals::HangUp::is_noted};
  server::Server server{std::move(settings)};
  print_line(command.output.json ? json_url(server.url()) : "listening on " + server.url());
  std::size_t left = 0;  // requests whose outcome is unknown: the log has told
  try {
    while (!signals.arrived() && !server.wait(kLook)) {
      if (signals.hung_up() && log) {
        log(core::LogLevel::info, "SIGHUP: there is nothing to read anew, the server goes on");
      }
    }
    left = server.stop();
    server.wait();
  } catch (const std::exception& error) {
    // A store that fails while it serves is a failed run, not a store that could not be opened.
    print_error(command.output.json, error.what());
    return kFailed;
  }
  const server::Stats stats = server.stats();
  say_line(command.output.json ? json_summary(stats) : summary(stats));
  return left == 0 ? kOk : kFailed;
}

}  // namespace pena::cli
