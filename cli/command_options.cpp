// The options of each command: what they are called, what they set and what their help says.
#include "cli/command_options.hpp"

#include <optional>
#include <stdexcept>
#include <string_view>

#include "cli/placeholders.hpp"

namespace pena::cli {
namespace {

// Each has a thread.
constexpr std::uint64_t kMostClients = 10'000;
constexpr std::uint64_t kMostJobs = 1'000;
constexpr std::uint64_t kMostResends = 1000;

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

// As with the generator, the command line goes before the environment.
void settle_log(const OptionAdder& add, bool none, core::Limits& limits) {
  if (!none) return;
  const bool sized = add.was_given("--log-size");
  if (sized && add.was_given("--no-log")) {
    throw CLI::ValidationError("--log-size", "expected none beside --no-log, which has no log");
  }
  if (!sized) limits.log_bytes = 0;
}

}  // namespace

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
  add_limits(add, limits);
  add.flag("--no-log", command.no_log,
           "no log in front of the store, as --log-size 0B; small commits take longer");
  add.settle_at_last([&add, &command] {
    settle_generator(add, command.settings.generator);
    settle_log(add, command.no_log, command.settings.limits);
  });
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

void add_backup(OptionAdder& add, BackupCommand& command) {
  add.positional("STORE", command.store, "the store's folder");
  add.positional("TO", command.to,
                 "the copy's folder: a new one, or one with nothing in it. It has all that was "
                 "answered before "
                 "this began, and is a store; how that is put back is told in docs/operations.md");
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

void add_put(OptionAdder& add, PutCommand& command) {
  client::ProducerSettings& settings = command.settings;
  add.text("--url", settings.url, "the server");
  add.text("--queue", settings.queue, "the queue that they are submitted to");
  add.texts("--payload", command.payloads, "JSON",
            "submit this payload, and read no FILE; several: repeat it");
  add.flag("--text", command.text, "each line is a payload of text as it stands, and no JSON");
  add.text("--key", command.key_field,
           "the field of each payload that is its msg's key, such as order or order.id: one that "
           "was accepted "
           "before is not taken twice");
  add.duration("--delay", command.delay, "they are not sent before");
  add.number("--max-resends", command.max_resends,
             "how often each is sent again; else as the server has it", 0, kMostResends);
  add.duration("--patience", command.patience,
               "try again for so long where the server is away or full", core::Duration::zero());
  add.flag("--quiet", command.quiet, "print no ids");
  add.output();
  add.optional_positional(
      "FILE", command.file,
      "JSON lines, or with --text any, each a payload; - is stdin, as is none where stdin is no "
      "terminal");
  add.settle_at_last([&command] {
    if (command.text && !command.payloads.empty()) {
      throw CLI::ValidationError("--text", "expected none beside --payload, which is JSON");
    }
    if (command.text && !command.key_field.empty()) {
      throw CLI::ValidationError("--key", "expected none beside --text, which has no fields");
    }
    if (command.payloads.empty() || command.file.empty()) return;
    throw CLI::ValidationError("--payload", "expected none beside FILE");
  });
}

void add_work(OptionAdder& add, WorkCommand& command) {
  client::WorkerSettings& settings = command.settings;
  add.text("--url", settings.url, "the server");
  add.names(
      "--queue", settings.queues,
      "a queue to take msgs from, the first that has any before the others; several: repeat it, "
      "or commas; else default");
  add.number("--jobs", command.jobs, "so many commands at once", 1, kMostJobs);
  add.duration("--timeout", command.timeout,
               "a command that takes longer has failed: SIGTERM, and after 5s SIGKILL, to it and "
               "what it has started");
  add.size("--max-payload", settings.max_payload,
           "a msg with a larger payload fails; a server takes 256KiB unless it is told otherwise",
           1);
  add.flag("--until-empty", settings.until_empty,
           "end when the queues have no msg that waits, is due later or is held");
  add.flag("--results", command.results,
           "what a command prints, if it is JSON, is the result of its msg");
  add.flag("--fail-on-failed", command.fail_on_failed,
           "exit with 123 where a msg has failed for good: at its last attempt, or with exit 65");
  add.text("--name", settings.name, "what people call this worker");
  add.output();
  add.settle_at_last([&command] {
    if (command.command.empty()) {
      throw CLI::ValidationError(
          "CMD",
          "expected -- and a command behind the options: pena work --jobs 4 -- ./resize {file}");
    }
    try {
      const Placeholders check{{command.command.begin() + 1, command.command.end()}};
    } catch (const std::invalid_argument& error) {
      throw CLI::ValidationError("CMD", error.what());
    }
  });
}

}  // namespace pena::cli
