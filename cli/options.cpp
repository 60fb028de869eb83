// The only file that knows CLI11.
#include "cli/options.hpp"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "cli/option_adder.hpp"
#include "cli/run.hpp"
#include "pena_version.hpp"

namespace pena::cli {
namespace {

constexpr const char* kFooter =
    "Every option of a command can also be set in the environment, by the variable that its help\n"
    "names (`pena help server`: PENA_SERVER_LISTEN …); the command line goes first.\n"
    "\n"
    "SIGINT (Ctrl-C) and SIGTERM end a command well: a server takes nothing new and answers what\n"
    "was asked, a client reports what it has done. A second one ends it at once. SIGHUP does\n"
    "nothing to a server, and ends the other commands like SIGTERM.\n"
    "\n"
    "Durations are written 250ms, 2s, 5m, 1h, 7d; sizes 64KiB, 8MiB, 16GiB.\n"
    "\n"
    "Exit codes:\n"
    "  0   it did what it was asked to, or was stopped by a signal\n"
    "  1   it failed while it ran; demo: the story does not add up; sim: a law was broken;\n"
    "      check: something is wrong with the store\n"
    "  2   bad usage, or a setting that cannot be\n"
    "  3   the store cannot be opened, or another server has it\n"
    "  4   the address cannot be listened on\n"
    "  10  client: every client was ended by a msg with too long a period\n"
    "\n"
    "What the words mean, and what others call them, is told in docs/glossary.md.";

// Each has a thread.
constexpr std::uint64_t kMostClients = 10'000;

void add_panicked(OptionAdder& add, client::Panicked& to) {
  add.choice("--panicked", to,
             {{"report", client::Panicked::report}, {"omit", client::Panicked::omit}},
             "a msg whose work panicked is reported as processed, or left out and so sent again");
}

void add_limits(OptionAdder& add, core::Limits& limits) {
  for (const core::Limit& limit : core::all_limits()) {
    with_field(limits, limit, [&](auto& to) { add.limit(limit, to); });
  }
}

// These say nothing of a server that generates nothing. Where only one side is on the command line, it goes
// before what the environment says.
void settle_generator(const OptionAdder& add, server::GeneratorSettings& generator) {
  if (generator.enabled) return;
  const bool named = add.was_given("--no-generate");
  for (const char* const option : {"--count", "--rate", "--generate"}) {
    const bool off = option == std::string_view{"--generate"} && !generator.stays;
    if (off || !add.was_given(option)) continue;
    if (named) {
      throw CLI::ValidationError(option,
                                 "expected none beside --no-generate, which generates nothing");
    }
    generator.enabled = true;
  }
  if (generator.enabled) return;
  generator.count.reset();
  generator.rate.reset();
  generator.stays.reset();
}

void add_server(OptionAdder& add, ServerCommand& command) {
  auto& [listen, store, limits, generator, insecure, allow_hosts, log, disk_hangs] =
      command.settings;
  add.text("--listen", listen, "address:port; port 0 takes a free one");
  add.names("--allow-host", allow_hosts,
            "a name that Host may have, such as pena.example.com; several: repeat it, or commas");
  add.folder("--store", store, "the store's folder, created where missing");
  add.number("--count", generator.count, "generate so many msgs, those before a restart included",
             0);
  add.rate("--rate", generator.rate, "generate at most so many msgs a second");
  add.number("--seed", generator.seed, "makes the periods reproducible", 0);
  add.flag(
      "--generate",
      "generate also beside what is submitted, as with --count, --rate or --seed; else the first "
      "msg that somebody submits to the queue default ends it for good",
      [&stays = generator.stays](bool given) {
        stays = given ? std::optional{true} : std::nullopt;
      });
  add.flag("--no-generate", "generate nothing: msgs come by POST /task",
           [&on = generator.enabled](bool given) { on = !given; });
  add.settle_at_last([&add, &of = generator] { settle_generator(add, of); });
  add_limits(add, limits);
  add.flag("--insecure", insecure, "allow an address other than loopback, without token and TLS");
  add.output();
}

void add_client(OptionAdder& add, ClientCommand& command) {
  client::ClientSettings& settings = command.settings;
  add.text("--url", settings.url, "the server");
  add.number("--batchsize", settings.batchsize, "msgs at a time; else drawn from 2..10");
  add.number("--clients", command.clients, "so many clients in this process", 1, kMostClients);
  add.number("--seed", settings.seed, "makes what the clients draw reproducible", 0);
  add_panicked(add, settings.panicked);
  add.number("--panic-above", settings.panic_above,
             "work on a msg with a longer period panics, in ms", 0);
  add.number("--end-above", settings.end_above, "a msg with a longer period ends the client, in ms",
             0);
  add.number("--max-running", settings.max_running,
             "msgs worked on at one time, more are refused; else the batchsize");
  add.number("--max-batches", settings.max_batches, "end after so many reported batches");
  add.flag("--restart", command.restart, "start a client again that a msg has ended");
  add.output();
}

void add_demo(OptionAdder& add, DemoCommand& command) {
  add.number("--clients", command.clients, "so many clients, each with a batchsize of its own", 1,
             kMostClients);
  add.number("--count", command.count, "so many msgs");
  add.number("--seed", command.seed, "repeats a run: periods and batchsizes; else random", 0);
  add.folder("--store", command.store, "a new folder, kept; else a temporary one, removed");
  add.limit("max_resends", command.max_resends);
  add_panicked(add, command.panicked);
  add.timing(command.timing);
  add.output();
}

void add_sim(OptionAdder& add, SimCommand& command) {
  add.number("--seeds", command.seeds, "so many worlds, one a seed");
  add.number("--first-seed", command.first_seed, "the first of them", 0);
  add.number("--seed", command.seed, "this one world, and its history line by line", 0);
  add.rate("--hours", command.hours, "stop after so many simulated hours in all");
  add.duration("--length", command.length, "of the part of a world that has faults");
  add.words("--faults", "the kinds of faults that may happen: all, none, or words with commas",
            [&to = command.faults](const std::string& from, const std::string& given) {
              std::string bad;
              const auto faults = sim::fault_set(given, bad);
              if (!faults)
                refuse(from, bad, "all, none, or some of " + sim::words(sim::all_faults()));
              to = *faults;
            });
  add.flag("--all-at-once", command.all_at_once,
           "leave none of them out; else each seed draws some");
  add.number("--jobs", command.jobs, "worlds at one time; 0: one a core", 0);
  add.json();
}

void add_check(OptionAdder& add, CheckCommand& command) {
  add.positional("STORE", command.store, "the store's folder; a server may run on it");
  add.json();
}

void add_bench(OptionAdder& add, BenchCommand& command) {
  load::LoadSettings& settings = command.settings;
  add.text("--url", settings.url, "the server");
  add.choice("--work", settings.work,
             {{"generated", load::Work::generated},
              {"submitted", load::Work::submitted},
              {"idle", load::Work::idle}},
             "what the server makes, what the workers submit, or nothing");
  add.choice("--payload", settings.payload,
             {{"none", load::Payload::none},
              {"compact", load::Payload::compact},
              {"spaced", load::Payload::spaced},
              {"mixed", load::Payload::mixed}},
             "what submitted msgs carry, written as JavaScript does, as Python does, or in turn");
  add.number("--workers", settings.workers, "so many streams", 0);
  add.number("--batchsize", settings.batchsize, "msgs at a time");
  add.rate("--rate", settings.rate, "open loop: submit so many msgs a second, come what may");
  add.number("--backlog", settings.backlog, "submit so many msgs first, which are not measured", 0);
  add.duration("--warmup", settings.warmup, "not measured either", core::Duration::zero());
  add.duration("--duration", settings.duration, "what is measured");
  add.json();
}

// Every command with its options. Made anew for each parse.
class Commands {
 public:
  explicit Commands(CLI::App& app) : app_(app) {
    app.set_version_flag("-V,--version", std::string{"pena "} + kVersion);
    // Before the subcommands are added: they take over both.
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
          found.push_back(env_name(each.adder->command(), name));
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
           void (*options)(OptionAdder&, OfCommand&)) {
    CLI::App* const app = app_.add_subcommand(name, description);
    app->formatter(std::make_shared<HelpFormat>(name));
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
  BenchCommand bench_;
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

Command parsed(CLI::App& app, std::vector<std::string> arguments) {
  Commands commands{app};
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
