#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <exception>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "cli/commands.hpp"
#include "cli/json_lines.hpp"
#include "cli/live_line.hpp"
#include "cli/output.hpp"
#include "cli/quantity.hpp"
#include "cli/run.hpp"
#include "cli/sim_report.hpp"
#include "cli/stop_signals.hpp"

namespace pena::cli {
namespace {

constexpr std::size_t kLastLines = 30;
constexpr std::uint32_t kMostJobs = 1024;

double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

sim::Scenario scenario_of(const SimCommand& command, std::uint64_t seed) {
  return sim::make_scenario({seed, command.faults, !command.all_at_once, command.length});
}

int run_one(const SimCommand& command) {
  const sim::Scenario scenario = scenario_of(command, *command.seed);
  const sim::Outcome outcome = sim::run(scenario, true);
  std::string text;
  for (const std::string& line : outcome.history) {
    text += (command.output.json ? json_history(line) : line) + "\n";
  }
  print_text(text);
  flush_stdout();
  return outcome.broken ? kFailed : kOk;
}

// The last seed is not tried where there are more than there are numbers.
std::uint64_t last_after(std::uint64_t first, std::uint64_t seeds) {
  return first + std::min(seeds, std::numeric_limits<std::uint64_t>::max() - first);
}

// Seeds from one counter, each thread the next; what they found goes into one report.
class Campaign {
 public:
  explicit Campaign(const SimCommand& command)
      : command_(command),
        next_(command.first_seed),
        end_(last_after(command.first_seed, command.seeds)) {
    const std::uint32_t cores = std::max(1U, std::thread::hardware_concurrency());
    const std::uint32_t jobs = command.jobs > 0 ? command.jobs : cores;
    working_ = jobs;
    try {
      for (std::uint32_t i = 0; i < jobs; ++i) threads_.emplace_back([this] { work(); });
    } catch (const std::system_error& error) {
      const std::string started = std::to_string(threads_.size());
      stop_and_join();
      throw std::runtime_error("only " + started + " of " + std::to_string(jobs) +
                               " threads can be started (" + error.code().message() +
                               "); expected a smaller --jobs");
    } catch (...) {  // without memory, for one
      stop_and_join();
      throw;
    }
  }
  ~Campaign() { stop_and_join(); }
  Campaign(const Campaign&) = delete;
  Campaign& operator=(const Campaign&) = delete;

  void stop() { stops_ = true; }
  [[nodiscard]] SimReport report() const {
    const std::lock_guard lock(mutex_);
    return report_;
  }
  // Throws what ended a thread that was not to end, such as memory that is out.
  [[nodiscard]] bool over() const {
    if (working_ > 0) return false;
    const std::lock_guard lock(mutex_);
    if (failure_) std::rethrow_exception(failure_);
    return true;
  }

 private:
  void stop_and_join() {
    stop();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  void work() {
    try {
      work_on_seeds();
    } catch (...) {
      stops_ = true;
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
    }
    --working_;
  }
  void work_on_seeds() {
    while (!stops_) {
      const std::uint64_t seed = next_++;
      if (seed >= end_) break;
      const sim::Scenario scenario = scenario_of(command_, seed);
      const sim::Outcome outcome = sim::run(scenario);
      const std::lock_guard lock(mutex_);
      report_.add(scenario, outcome);
      if (outcome.broken) stops_ = true;
      if (command_.hours && report_.hours() >= *command_.hours) stops_ = true;
    }
  }

  const SimCommand& command_;
  std::atomic<std::uint64_t> next_;
  std::uint64_t end_;
  std::atomic<bool> stops_ = false;
  std::atomic<std::uint32_t> working_ = 0;
  mutable std::mutex mutex_;  // guards the report and the failure
  SimReport report_;
  std::exception_ptr failure_;
  std::vector<std::thread> threads_;
};

void tell_failure(const SimCommand& command, const SimReport& report) {
  const auto& [scenario, outcome] = *report.failure;
  say_line("seed " + std::to_string(scenario.seed) + " breaks a law. " + outcome.what);
  say_line("making it smaller…");
  const sim::Scenario small = sim::shrunk(scenario, *outcome.broken);
  const sim::Outcome again = sim::run(small, true);
  say_line("with " + std::to_string(small.faults.size()) + " of " +
           std::to_string(scenario.faults.size()) + " faults and " +
           std::to_string(small.generate + small.submit) + " of " +
           std::to_string(scenario.generate + scenario.submit) + " msgs: " + again.what);
  for (const sim::Fault& fault : small.faults) say_line("  " + sim::describe(fault));
  say_line("traits of the world: " + sim::words(small.kinds));
  say_line("how that ended:");
  const std::size_t lines = again.history.size();
  for (std::size_t i = lines - std::min(lines, kLastLines); i < lines; ++i) {
    say_line("  " + again.history[i]);
  }
  say_line("its history: pena sim --seed " + std::to_string(scenario.seed) +
           (command.all_at_once ? " --all-at-once" : "") + " --length " + written(command.length) +
           (command.faults.all() ? "" : " --faults " + sim::words(command.faults)));
}

}  // namespace

int run_sim(const SimCommand& command) {
  if (command.jobs > kMostJobs) {
    throw std::invalid_argument("jobs is " + std::to_string(command.jobs) + "; expected at most " +
                                std::to_string(kMostJobs));
  }
  if (command.seed) return run_one(command);
  const StopSignals signals;
  const double cpu_before = cpu_seconds();
  SimReport report;
  {
    LiveLine line{command.output.json};
    Campaign campaign{command};
    while (!campaign.over()) {
      if (signals.arrived()) campaign.stop();
      std::this_thread::sleep_for(kLook);
      line.show([&] { return progress(campaign.report(), command.seeds); });
    }
    report = campaign.report();
  }
  report.cpu_seconds = cpu_seconds() - cpu_before;
  print_line(command.output.json ? json_sim(report) : told(report));
  if (!report.failure) return kOk;
  tell_failure(command, report);
  return kFailed;
}

}  // namespace pena::cli
