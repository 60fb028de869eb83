#include <chrono>
#include <thread>

#include "cli/commands.hpp"
#include "cli/crew.hpp"
#include "cli/json_lines.hpp"
#include "cli/logging.hpp"
#include "cli/output.hpp"
#include "cli/stop_signals.hpp"

namespace pena::cli {

int run_client(const ClientCommand& command) {
  const auto settings_of = [&command, log = log_to_stderr(command.output)](std::size_t client,
                                                                           std::uint64_t start) {
    client::ClientSettings settings = command.settings;
    if (settings.seed && (client > 0 || start > 0)) {
      settings.seed = seed_of(*settings.seed, client, start);
    }
    settings.log = log;
    return settings;
  };
  const StopSignals signals;
  Crew crew{command.clients, command.restart, settings_of};
  std::size_t runs_told = 0;
  const auto tell = [&] {
    for (const Run& run : crew.runs().subspan(runs_told)) {
      print_line(command.output.json ? json_run(run) : told(run));
    }
    runs_told = crew.runs().size();
  };
  while (!signals.arrived() && !crew.ended()) {
    std::this_thread::sleep_for(kLook);
    crew.tend();
    tell();
  }
  crew.stop();
  tell();
  return exit_code_of(crew.runs());
}

}  // namespace pena::cli
