#include "cli/run.hpp"

#include <unistd.h>

#include <cstdio>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <variant>

#include "cli/commands.hpp"
#include "cli/json_lines.hpp"
#include "cli/option_names.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/stop_signals.hpp"
#include "process/standard_files.hpp"

namespace pena::cli {
namespace {

int execute(const ServerCommand& command) {
  return run_server(command);
}
int execute(const ClientCommand& command) {
  return run_client(command);
}
int execute(const DemoCommand& command) {
  return run_demo(command);
}
int execute(const SimCommand& command) {
  return run_sim(command);
}
int execute(const CheckCommand& command) {
  return run_check(command);
}
int execute(const BackupCommand& command) {
  return run_backup(command);
}
int execute(const BenchCommand& command) {
  return run_bench(command);
}
int execute(const PutCommand& command) {
  return run_put(command);
}
int execute(const WorkCommand& command) {
  return run_work(command);
}
int execute(const ShowText& show) {
  print_line(show.text);
  return show.exit_code;
}
int execute(const BadUsage& usage) {
  print_error(usage.json, usage.sentence);
  return kBadUsage;
}

bool speaks_json(const Command& command) {
  return std::visit(
      [](const auto& it) {
        if constexpr (requires { it.output.json; }) {
          return it.output.json;
        } else {
          return false;
        }
      },
      command);
}

// Where something runs; nobody who asks for help wants to hear of it.
void warn_of_the_environment(const Command& command) {
  if (std::holds_alternative<ShowText>(command) || std::holds_alternative<BadUsage>(command))
    return;
  for (const std::string& sentence : strange_variables(environ)) {
    if (speaks_json(command)) {
      say_line(json_log(core::LogLevel::warning, sentence));
    } else {
      say_line("pena: warning: " + sentence);
    }
  }
}

int run_guarded(const Command& command) {
  const auto failed = [json = speaks_json(command)](const std::exception& error, ExitCode code) {
    print_error(json, error.what());
    return code;
  };
  try {
    return std::visit([](const auto& it) { return execute(it); }, command);
  } catch (const std::invalid_argument& error) {  // the SettingsError of either engine
    return failed(std::runtime_error(as_typed(error.what())), kBadUsage);
  } catch (const store::NoRoomToRecover& error) {  // it goes on by itself when there is room
    return failed(error, kFailed);
  } catch (const store::StoreError& error) {
    return failed(error, kNoStore);
  } catch (const server::ListenError& error) {
    return failed(error, kNoListen);
  } catch (const std::bad_alloc&) {
    return failed(std::runtime_error("the memory is out"), kFailed);
  } catch (const std::exception& error) {
    return failed(error, kFailed);
  }
}

}  // namespace

int run(int argc, const char* const* argv) noexcept {
  process::secure_standard_files();
  try {
    const BrokenPipesFail quiet;
    const Outputs outputs;
    const Command command = command_from(argc, argv);
    warn_of_the_environment(command);
    const int code = run_guarded(command);
    try {
      flush_stdout();
    } catch (const OutputError& error) {
      // Where the command itself has met it, it has been said.
      if (code == kOk) print_error(speaks_json(command), error.what());
      return code == kOk ? kFailed : code;
    }
    return code;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "pena: %s\n", error.what());
    return kFailed;
  }
}

}  // namespace pena::cli
