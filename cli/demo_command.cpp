#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <thread>

#include "cli/commands.hpp"
#include "cli/crew.hpp"
#include "cli/evidence.hpp"
#include "cli/json_lines.hpp"
#include "cli/logging.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/quantity.hpp"
#include "cli/run.hpp"
#include "cli/stop_signals.hpp"
#include "cli/story.hpp"
#include "server/server.hpp"
#include "store/outside_view.hpp"

namespace pena::cli {
namespace {

using Clock = std::chrono::steady_clock;

// A folder for the store: the one that was named, which is kept, or a temporary one, which is not.
class StoreFolder {
 public:
  explicit StoreFolder(const std::string& named) : path_(named), temporary_(named.empty()) {
    if (temporary_) {
      std::string made = (std::filesystem::temp_directory_path() / "pena-demo-XXXXXX").string();
      if (mkdtemp(made.data()) == nullptr) throw store::StoreError("cannot make a folder " + made);
      path_ = made;
    } else if (std::filesystem::exists(path_) && !std::filesystem::is_empty(path_)) {
      // What it holds would not add up with what this run generates.
      throw std::invalid_argument("--store: the demo needs a new or empty folder, and " + path_ +
                                  " is not empty");
    }
  }
  ~StoreFolder() {
    std::error_code ignored;
    if (temporary_) std::filesystem::remove_all(path_, ignored);
  }
  StoreFolder(const StoreFolder&) = delete;
  StoreFolder& operator=(const StoreFolder&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string kept_path() const { return temporary_ ? "" : path_; }

 private:
  std::string path_;
  bool temporary_;
};

server::ServerSettings server_settings(const DemoCommand& demo, std::uint64_t seed,
                                       const std::string& store, const core::LogSink& log) {
  server::ServerSettings settings;
  settings.listen = "127.0.0.1:0";
  settings.store = store;
  settings.limits.max_resends = demo.max_resends;
  settings.limits.timing = demo.timing;
  settings.generator.count = demo.count;
  settings.generator.seed = seed;
  settings.log = log;
  return settings;
}

Crew::SettingsOf settings_of_clients(const DemoCommand& demo, std::uint64_t seed,
                                     const std::string& url, const core::LogSink& log) {
  return [=, panicked = demo.panicked](std::size_t client, std::uint64_t start) {
    client::ClientSettings settings;
    settings.url = url;
    settings.batchsize = demo_batchsize(seed, client, start);
    settings.seed = seed_of(seed, client, start);
    settings.panicked = panicked;
    settings.log = log;
    return settings;
  };
}

// Of a store that was new.
bool all_settled(const core::Counts& counts, std::uint64_t count) {
  return counts.reported + counts.failed >= count && counts.held == 0;
}

std::uint64_t ended_by_period(const Crew& crew) {
  return static_cast<std::uint64_t>(std::ranges::count_if(crew.runs(), [](const Run& run) {
    return run.end.reason == client::EndReason::period_too_long;
  }));
}

// Until every msg is settled; true when a signal came first. Throws what ended the server, and what
// a client was refused with.
bool run_to_the_end(const DemoCommand& demo, server::Server& server, Crew& crew,
                    const StopSignals& signals) {
  Progress progress{demo.output.json, demo.count};
  for (;;) {
    const server::Stats stats = server.stats();
    progress.show(stats, ended_by_period(crew));
    if (all_settled(stats.counts, demo.count)) return false;
    if (signals.arrived()) return true;
    if (crew.ended()) throw std::runtime_error("no client is left: " + crew.runs().back().end.text);
    if (server.wait(kLook)) throw std::runtime_error("the server has stopped by itself");
    crew.tend();
  }
}

std::string plan(const DemoCommand& demo, std::uint64_t seed) {
  return "pena demo: a server hands out " + std::to_string(demo.count) + " msgs to " +
         std::to_string(demo.clients) + " clients of batchsize 2 to 10, seed " +
         std::to_string(seed) + ".\n" +
         "A msg is a sleep of 1 to 1000 ms; above 800 its coroutine panics, above 900 its client\n"
         "ends and is started again. What that client held is sent again after " +
         written(demo.timing.drop_grace) + ";\na msg that was sent " +
         std::to_string(demo.max_resends + 1) +
         " times in vain has failed. It runs until every msg is reported or failed;\n"
         "Ctrl-C stops it sooner.\n";
}

// What is known of a run beside its store.
struct Course {
  core::Counts counts;
  std::uint64_t clients_ended = 0;
  std::uint64_t panicked = 0;
  bool interrupted = false;
};

// Its server is gone when it returns, and has closed the store.
Course run_all(const DemoCommand& demo, std::uint64_t seed, const std::string& store,
               const StopSignals& signals) {
  const core::LogSink log = log_to_stderr(demo.output);
  server::Server server{server_settings(demo, seed, store, log)};
  Crew crew{demo.clients, true, settings_of_clients(demo, seed, server.url(), log)};
  Course course;
  course.interrupted = run_to_the_end(demo, server, crew, signals);
  crew.stop();
  server.stop();
  course.counts = server.stats().counts;
  course.clients_ended = ended_by_period(crew);
  course.panicked = total(crew.runs()).panicked;
  return course;
}

// What is judged is what is on the disk.
Story judged(const DemoCommand& demo, const std::string& store, const Course& course) {
  Evidence evidence = evidence_of(*store::open_store_view(store));
  evidence.sent = course.counts.sent;
  evidence.max_resends = demo.max_resends;
  if (demo.panicked == client::Panicked::omit) evidence.harmless_up_to = 800;
  evidence.interrupted = course.interrupted;
  return story_of(evidence);
}

Story run_story(const DemoCommand& demo, std::uint64_t seed, const StoreFolder& folder,
                const StopSignals& signals) {
  const auto started = Clock::now();
  const Course course = run_all(demo, seed, folder.path(), signals);
  Story story = judged(demo, folder.path(), course);
  story.seed = seed;
  story.clients = demo.clients;
  story.seconds = std::chrono::duration<double>(Clock::now() - started).count();
  story.batches = course.counts.batches;
  story.clients_ended = course.clients_ended;
  story.panicked = course.panicked;
  story.store = folder.kept_path();
  return story;
}

}  // namespace

int run_demo(const DemoCommand& command) {
  // 32 bits are enough, and short to type again.
  const std::uint64_t seed = command.seed ? *command.seed : std::random_device{}();
  const StopSignals signals;
  const StoreFolder folder{command.store};
  if (!command.output.json) print_line(plan(command, seed));
  const Story story = run_story(command, seed, folder, signals);
  print_line(command.output.json ? json_story(story) : told(story));
  return story.adds_up() ? kOk : kFailed;
}

}  // namespace pena::cli
