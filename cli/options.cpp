// The only file that knows CLI11.
#include "cli/options.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "cli/option_adder.hpp"
#include "cli/run.hpp"
#include "pena_version.hpp"

namespace pena::cli {
namespace {

constexpr const char* kFooter =
    "Every option can also be set in the environment, by the variable named behind it;\n"
    "the command line goes first.\n"
    "\n"
    "Durations are written 250ms, 2s, 5m, 1h; sizes 64KiB, 8MiB, 16GiB.\n"
    "\n"
    "Exit codes:\n"
    "  0   it did what it was asked to, or was stopped by a signal\n"
    "  1   it failed while it ran; demo: the story does not add up; sim: a law was broken;\n"
    "      check: something is wrong with the store\n"
    "  2   bad usage, or a setting that cannot be\n"
    "  3   the store cannot be opened, or another server has it\n"
    "  4   the address cannot be listened on\n"
    "  10  client: every client was ended by a msg with too long a period (R15)";

void add_panicked(OptionAdder& add, client::Panicked& to) {
  add.choice("--panicked", to,
             {{"report", client::Panicked::report}, {"omit", client::Panicked::omit}},
             "what becomes of a msg whose coroutine panicked (R16)");
}

void add_limits(OptionAdder& add, core::Limits& limits) {
  add.number("--max-resends", limits.max_resends, "deliveries of a msg after the first (R4)", 0);
  add.timing(limits.timing);
  add.duration("--linger", limits.linger, "a msg waits at most this for its batch to fill");
  add.number("--max-batchsize", limits.batchsize, "the largest batchsize of a client");
  add.number("--max-period", limits.period_ms, "the longest period of a submitted msg, in ms");
  add.size("--max-payload", limits.payload_bytes, "the largest payload of a msg");
  add.number("--max-report-ids", limits.report_ids, "the most ids of one report");
  add.number("--max-submit", limits.submit_msgs, "the most msgs submitted at once");
  add.size("--max-header", limits.header_bytes, "the largest header of a request");
  add.size("--max-body", limits.body_bytes, "the largest body of a request");
  add.size("--max-framing", limits.framing_bytes,
           "the most bytes of chunk sizes, extensions and trailers of a request");
  add.size("--max-bodies", limits.bodies_bytes,
           "the bodies of all requests at one time; beyond this 503");
  add.number("--max-connections", limits.connections, "the most connections, streams included");
  add.duration("--header-time", limits.header_time, "a request's header arrives within this");
  add.duration("--body-time", limits.body_time, "a request's body arrives within this");
  add.duration("--idle-time", limits.idle_time, "how long a connection may idle between requests");
  add.duration("--stalled-write", limits.stalled_write_time,
               "a client that reads nothing for this long is dropped");
  add.number("--window", limits.window_msgs, "queued msgs in memory; the rest waits in the store");
  add.size("--window-bytes", limits.window_bytes,
           "the most bytes of them in memory, and of one batch");
  add.number("--fewest-pieces", limits.fewest_pieces,
             "a lost batch is sent again in so many pieces at least, a large one in more");
  add.number("--max-queue", limits.queue_msgs, "beyond this submitting is refused with 503");
  add.size("--map-size", limits.map_bytes, "the store's largest size");
}

void add_server(CLI::App& app, ServerCommand& command) {
  OptionAdder add{app, command.output};
  auto& [listen, store, limits, generator, insecure, allow_hosts, log] = command.settings;
  add.text("--listen", listen, "address:port; port 0 takes a free one");
  add.names("--allow-host", allow_hosts,
            "a name that Host may have, such as pena.example.com; several: repeat it, or commas");
  add.folder("--store", store, "the store's folder, created where missing");
  add.number("--count", generator.count, "generate so many msgs, those before a restart included",
             0);
  add.rate("--rate", generator.rate, "generate at most so many msgs a second");
  add.number("--seed", generator.seed, "makes the periods reproducible", 0);
  app.add_flag_function(
         "--no-generate", [&on = generator.enabled](std::int64_t given) { on = given <= 0; },
         "generate nothing: msgs come by POST /task")
      ->envname(env_name("--no-generate"));
  add_limits(add, limits);
  add.flag("--insecure", insecure, "allow an address other than loopback, without token and TLS");
  add.output();
}

void add_client(CLI::App& app, ClientCommand& command) {
  OptionAdder add{app, command.output};
  client::ClientSettings& settings = command.settings;
  add.text("--url", settings.url, "the server");
  add.number("--batchsize", settings.batchsize, "msgs at a time; else drawn from 2..10 (R11)");
  add.number("--clients", command.clients, "so many clients in this process");
  add.number("--seed", settings.seed, "makes what the clients draw reproducible", 0);
  add_panicked(add, settings.panicked);
  add.number("--panic-above", settings.panic_above, "a period above this panics, in ms (R14)", 0);
  add.number("--end-above", settings.end_above, "a period above this ends the client, in ms (R15)",
             0);
  add.number("--max-running", settings.max_running,
             "msgs worked on at one time (R13); else the batchsize");
  add.number("--max-batches", settings.max_batches, "end after so many reported batches");
  add.flag("--restart", command.restart, "start a client again that was ended by R15");
  add.output();
}

void add_demo(CLI::App& app, DemoCommand& command) {
  OptionAdder add{app, command.output};
  add.number("--clients", command.clients, "so many clients, each with a batchsize of its own");
  add.number("--count", command.count, "so many msgs");
  add.number("--seed", command.seed, "repeats a run: periods and batchsizes; else random", 0);
  add.folder("--store", command.store, "a new folder, kept; else a temporary one, removed");
  add.number("--max-resends", command.max_resends, "deliveries of a msg after the first (R4)", 0);
  add_panicked(add, command.panicked);
  add.timing(command.timing);
  add.output();
}

void add_sim(CLI::App& app, SimCommand& command) {
  OptionAdder add{app, command.output};
  add.number("--seeds", command.seeds, "so many worlds, one a seed");
  add.number("--first-seed", command.first_seed, "the first of them", 0);
  add.number("--seed", command.seed, "this one world, and its history line by line", 0);
  add.rate("--hours", command.hours, "stop after so many simulated hours in all");
  add.duration("--length", command.length, "of the part of a world that has faults");
  add.words("--faults", "the kinds of faults that may happen: all, none, or words with commas",
            [&to = command.faults](const std::string& given) {
              std::string bad;
              const auto faults = sim::fault_set(given, bad);
              if (!faults)
                refuse("--faults", bad, "all, none, or some of " + sim::words(sim::all_faults()));
              to = *faults;
            });
  add.flag("--all-at-once", command.all_at_once,
           "leave none of them out; else each seed draws some");
  add.number("--jobs", command.jobs, "worlds at one time; 0: one a core", 0);
  add.json();
}

void add_check(CLI::App& app, CheckCommand& command) {
  OptionAdder add{app, command.output};
  app.add_option("STORE", command.store, "the store's folder; a server may run on it")->required();
  add.json();
}

void add_bench(CLI::App& app, BenchCommand& command) {
  OptionAdder add{app, command.output};
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
  add.duration("--warmup", settings.warmup, "not measured either");
  add.duration("--duration", settings.duration, "what is measured");
  add.json();
}

CLI::App* add_subcommand(CLI::App& app, const std::string& name, const std::string& description) {
  CLI::App* const sub = app.add_subcommand(name, description);
  // With a callback CLI11 reads the environment of the subcommand that was named, and of no other.
  sub->parse_complete_callback([] {});
  return sub;
}

// For refusals, which come before the options are known.
bool asks_json(int argc, const char* const* argv) {
  const char* const variable = std::getenv("PENA_JSON");
  const std::string_view value = variable == nullptr ? "" : variable;
  if (!value.empty() && value != "0" && value != "false") return true;
  return std::any_of(argv, argv + argc, [](std::string_view arg) { return arg == "--json"; });
}

Command parse(CLI::App& app, int argc, const char* const* argv) {
  ServerCommand server;
  ClientCommand client;
  DemoCommand demo;
  SimCommand sim;
  CheckCommand check;
  BenchCommand bench;
  const CLI::App* const server_app =
      add_subcommand(app, "server", "Run a server: hand out msgs, take reports, keep the buckets.");
  const CLI::App* const client_app =
      add_subcommand(app, "client", "Run simulated clients: take batches, sleep, panic, report.");
  add_server(*app.get_subcommand("server"), server);
  add_client(*app.get_subcommand("client"), client);
  add_demo(
      *add_subcommand(app, "demo", "Run a server and clients, and tell what became of each msg."),
      demo);
  const CLI::App* const sim_app = add_subcommand(
      app, "sim", "Run the engines in simulated worlds full of faults, and judge them.");
  add_sim(*app.get_subcommand("sim"), sim);
  const CLI::App* const check_app = add_subcommand(
      app, "check", "Read a store whole and name what is wrong with it. Repairs nothing.");
  add_check(*app.get_subcommand("check"), check);
  const CLI::App* const bench_app = add_subcommand(
      app, "bench", "Put a server under load, and measure it. What it hands out is reported.");
  add_bench(*app.get_subcommand("bench"), bench);
  app.parse(argc, argv);
  if (app.get_subcommands().empty()) return ShowText{app.help(), kBadUsage};
  if (server_app->parsed()) return server;
  if (client_app->parsed()) return client;
  if (sim_app->parsed()) return sim;
  if (check_app->parsed()) return check;
  if (bench_app->parsed()) return bench;
  return demo;
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
  CLI::App app{"Pena hands out work to clients and keeps account of every msg.", "pena"};
  app.set_version_flag("--version", std::string{"pena "} + kVersion);
  // Before the subcommands are added: they take over both.
  app.footer(kFooter);
  app.formatter(std::make_shared<HelpFormat>());
  app.require_subcommand(0, 1);
  try {
    return parse(app, argc, argv);
  } catch (const CLI::CallForHelp&) {
    return ShowText{app.help(), kOk};
  } catch (const CLI::CallForVersion& version) {
    return ShowText{version.what(), kOk};
  } catch (const CLI::ExtrasError& error) {
    return BadUsage{error.what() + std::string{". What is, says --help"}, asks_json(argc, argv)};
  } catch (const CLI::ParseError& error) {
    return BadUsage{error.what(), asks_json(argc, argv)};
  }
}

}  // namespace pena::cli
