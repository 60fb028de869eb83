// The command line is read: with command_options.cpp the only file that knows CLI11.
#include "cli/options.hpp"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "cli/command_options.hpp"
#include "cli/msg_variables.hpp"
#include "cli/run.hpp"
#include "pena_version.hpp"

namespace pena::cli {
namespace {

constexpr const char* kFooter =
    "Every option of a command can also be set in the environment, by the variable that its help\n"
    "names (`pena help server`: PENA_SERVER_LISTEN …); the command line goes first. PENA_URL is\n"
    "that of put and work, where PENA_PUT_URL and PENA_WORK_URL say nothing.\n"
    "\n"
    "SIGINT (Ctrl-C) and SIGTERM end a command well: a server takes nothing new and answers what\n"
    "was asked, a client reports what it has done, work finishes the commands that run. A second "
    "one\n"
    "ends it at once; those commands it asks to end, and a third one leaves them. SIGHUP does\n"
    "nothing to a server, and ends the others like SIGTERM.\n"
    "\n"
    "Durations are written 250ms, 2s, 5m, 1h, 7d; sizes 64KiB, 8MiB, 16GiB.\n"
    "\n"
    "Exit codes:\n"
    "  0   it did what it was asked to, or was stopped by a signal\n"
    "  1   it failed while it ran; demo: the story does not add up; sim: a law was broken;\n"
    "      check: something is wrong with the store; put: not all was accepted, be it for a "
    "signal\n"
    "  2   bad usage, or a setting that cannot be\n"
    "  3   the store cannot be opened, or another server has it\n"
    "  4   the address cannot be listened on\n"
    "  10  client: every client was ended by a msg with too long a period\n"
    "  123 work --fail-on-failed: a msg has failed for good\n"
    "  126 work: the command cannot be executed\n"
    "  127 work: there is no such command, or not what it is to be run by\n"
    "\n"
    "What the words mean, and what others call them, is told in docs/glossary.md.";

// Every command with its options. Made anew for each parse.
class Commands {
 public:
  // `command`: what stood behind a --, for the command `work`.
  explicit Commands(CLI::App& app, std::vector<std::string> command = {}) : app_(app) {
    work_.command = std::move(command);
    app.set_version_flag("-V,--version", std::string{"pena "} + kVersion);
    // Before the subcommands are added: they take over these.
    app.set_help_flag("-h,--help", "Print this help and exit");
    app.footer(kFooter);
    app.formatter(std::make_shared<HelpFormat>(""));
    app.require_subcommand(0, 1);
    add("server", "Run a server: hand out msgs, take reports, keep the buckets.", server_,
        add_server);
    add("client", "Run simulated clients: take batches, sleep, panic, report.", client_,
        add_client);
    add("demo", "Run a server and clients, and tell what became of each msg.", demo_, add_demo);
    add("sim", "Run the engines in simulated worlds full of faults, and judge them.", sim_,
        add_sim);
    add("check", "Read a store whole and name what is wrong with it. Repairs nothing.", check_,
        add_check);
    add("backup", "Copy a store, also beside its running server.", backup_, add_backup);
    add("put", "Submit msgs: a payload a line, or those of --payload. Prints their ids.", put_,
        add_put);
    add("work", "Take msgs, and run a command for each.", work_, add_work, " -- CMD [ARG...]");
    add("bench", "Put a server under load, and measure it. What it hands out is reported.", bench_,
        add_bench);
    app.add_subcommand("help", "Show this, or with a command's name its options.");
    app.add_subcommand("version", "Show the version.");
  }

  // Of the command that was parsed; nothing where there is none.
  [[nodiscard]] std::optional<Command> taken() {
    for (const auto& each : commands_) {
      if (!app_.get_subcommand(each.adder->command())->parsed()) continue;
      each.adder->take_the_rest();
      return each.command();
    }
    return std::nullopt;
  }

  // "server, client …"
  [[nodiscard]] std::string names() const {
    std::string all;
    for (const auto& each : commands_) all += (all.empty() ? "" : ", ") + each.adder->command();
    return all;
  }

  [[nodiscard]] bool has(const std::string& name) const {
    return std::ranges::any_of(commands_,
                               [&name](const Each& each) { return each.adder->command() == name; });
  }

  // The variables of the options that are called `option`, of every command; none: all variables.
  [[nodiscard]] std::vector<std::string> variables(const std::string& option = {}) const {
    std::vector<std::string> found;
    for (const auto& each : commands_) {
      for (const std::string& name : each.adder->option_names()) {
        if (option.empty() || name == option) {
          const std::string command = each.adder->command();
          found.push_back(env_name(command, name));
          const std::string shared = shared_env_name(command, name);
          if (!shared.empty()) found.push_back(shared);
        }
      }
    }
    return found;
  }

 private:
  struct Each {
    std::unique_ptr<OptionAdder> adder;
    std::function<Command()> command;
  };

  template <class OfCommand>
  void add(const std::string& name, const std::string& description, OfCommand& command,
           void (*options)(OptionAdder&, OfCommand&), const std::string& behind = {}) {
    CLI::App* const app = app_.add_subcommand(name, description);
    app->formatter(std::make_shared<HelpFormat>(name, behind));
    // With a callback CLI11 calls back for the subcommand that was named, and for no other.
    app->parse_complete_callback([] {});
    auto adder = std::make_unique<OptionAdder>(*app, command.output);
    options(*adder, command);
    commands_.push_back({std::move(adder), [&command] {
                           return Command{command};
                         }});
  }

  CLI::App& app_;
  std::vector<Each> commands_;
  ServerCommand server_;
  ClientCommand client_;
  DemoCommand demo_;
  SimCommand sim_;
  CheckCommand check_;
  BackupCommand backup_;
  BenchCommand bench_;
  PutCommand put_;
  WorkCommand work_;
};

CLI::App make_app() {
  return CLI::App{"Pena hands out work to clients and keeps account of every msg.", "pena"};
}

// For refusals, which come before the options are known.
bool asks_json(const std::vector<std::string>& arguments) {
  if (std::ranges::find(arguments, "--json") != arguments.end()) return true;
  if (arguments.empty()) return false;
  const char* const variable = std::getenv(env_name(arguments.front(), "--json").c_str());
  const std::string value = variable == nullptr ? "" : variable;
  return !value.empty() && truth_of(value).value_or(true);
}

// `pena work` runs a command, whose own options are not Pena's. It is taken out of the arguments.
std::vector<std::string> command_to_run(std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments.front() != "work") return {};
  const auto marked = std::ranges::find(arguments, "--");
  if (marked == arguments.end()) return {};
  std::vector<std::string> command{marked + 1, arguments.end()};
  arguments.erase(marked, arguments.end());
  return command;
}

Command parsed(CLI::App& app, std::vector<std::string> arguments) {
  Commands commands{app, command_to_run(arguments)};
  const bool asks_for_help = arguments.size() == 2 && arguments.back() == "--help";
  if (asks_for_help && !commands.has(arguments.front())) {
    refuse("help", arguments.front(), "one of " + commands.names());
  }
  std::ranges::reverse(arguments);  // as CLI11 wants them
  app.parse(std::move(arguments));
  if (auto command = commands.taken()) return *std::move(command);
  return ShowText{app.help(), kBadUsage};
}

// `pena help`, `pena help server` and `pena version`, as the options that do the same.
std::vector<std::string> as_options(std::vector<std::string> arguments) {
  if (arguments.empty()) return arguments;
  if (arguments.front() == "version") arguments.front() = "--version";
  if (arguments.front() != "help") return arguments;
  arguments.erase(arguments.begin());
  const bool of_itself =
      !arguments.empty() && (arguments.front() == "help" || arguments.front() == "version");
  if (of_itself) arguments.erase(arguments.begin());
  arguments.emplace_back("--help");
  return arguments;
}

}  // namespace

core::Timing demo_timing() {
  using namespace std::chrono_literals;
  core::Timing timing;
  timing.lease = 5s;
  timing.heartbeat = 100ms;
  timing.silence = 300ms;
  timing.stop_time = 50ms;
  timing.drop_grace = 500ms;
  timing.slack = 50ms;
  return timing;
}

Command command_from(int argc, const char* const* argv) {
  CLI::App app = make_app();
  const std::vector<std::string> arguments =
      as_options({argv + std::min(argc, 1), argv + std::max(argc, 0)});
  try {
    return parsed(app, arguments);
  } catch (const CLI::CallForHelp&) {
    return ShowText{app.help(), kOk};
  } catch (const CLI::CallForVersion& version) {
    return ShowText{version.what(), kOk};
  } catch (const CLI::ExtrasError& error) {
    return BadUsage{error.what() + std::string{". What is, says --help"}, asks_json(arguments)};
  } catch (const CLI::ParseError& error) {
    return BadUsage{error.what(), asks_json(arguments)};
  }
}

std::vector<std::string> strange_variables(const char* const* environment) {
  CLI::App app = make_app();
  const Commands commands{app};
  const std::vector<std::string> known = commands.variables();
  std::vector<std::string> sentences;
  for (; *environment != nullptr; ++environment) {
    const std::string_view entry{*environment};
    const std::string name{entry.substr(0, entry.find('='))};
    if (!name.starts_with("PENA_") || std::ranges::find(known, name) != known.end()) continue;
    // Within a command that is run for a msg.
    if (std::ranges::find(kMsgVariables, name) != kMsgVariables.end()) continue;
    std::string option = "--" + name.substr(5);
    for (char& c : option) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
      if (c == '_') c = '-';
    }
    std::string now;
    for (const std::string& variable : commands.variables(option)) {
      now += (now.empty() ? "" : ", ") + variable;
    }
    sentences.push_back("the variable " + name +
                        (now.empty()
                             ? " is none of pena's; `pena help COMMAND` names those that are"
                             : " is not read: it is called " + now + " now"));
  }
  return sentences;
}

}  // namespace pena::cli
