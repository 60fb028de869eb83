#include "cli/sim_report.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/number_text.hpp"

namespace pena::cli {
namespace {

std::string with_digit(double value) {
  return core::fixed_text(value, 1);
}

double speed(const SimReport& report) {
  return report.cpu_seconds > 0.0 ? report.hours() / report.cpu_seconds : 0.0;
}

std::uint64_t all_faults(const SimReport& report) {
  std::uint64_t sum = 0;
  for (const std::uint64_t times : report.tally.faults) sum += times;
  return sum;
}

}  // namespace

void SimReport::add(const sim::Scenario& scenario, const sim::Outcome& outcome) {
  ++seeds;
  simulated += outcome.ended_at;
  msgs += outcome.msgs;
  reported += outcome.reported;
  failed += outcome.failed;
  tally.boots += outcome.tally.boots;
  tally.streams += outcome.tally.streams;
  tally.grants += outcome.tally.grants;
  tally.reports += outcome.tally.reports;
  tally.commits += outcome.tally.commits;
  tally.torn += outcome.tally.torn;
  tally.client_deaths += outcome.tally.client_deaths;
  for (std::size_t i = 0; i < tally.faults.size(); ++i) tally.faults[i] += outcome.tally.faults[i];
  if (outcome.broken && (!failure || scenario.seed < failure->first.seed)) {
    failure = {scenario, outcome};
  }
}

std::string told(const SimReport& report) {
  std::string text = "faults survived, by kind:\n";
  for (std::size_t i = 0; i < sim::kFaultKinds; ++i) {
    const auto word = sim::word(static_cast<sim::FaultKind>(i));
    std::array<char, 64> line{};
    std::snprintf(line.data(), line.size(), "  %-18.*s %10llu\n", static_cast<int>(word.size()),
                  word.data(), static_cast<unsigned long long>(report.tally.faults[i]));
    text += line.data();
  }
  text += "commits " + std::to_string(report.tally.commits) + ", grants " +
          std::to_string(report.tally.grants) + ", reports answered " +
          std::to_string(report.tally.reports) + ", streams " +
          std::to_string(report.tally.streams) + ", server starts " +
          std::to_string(report.tally.boots) + " (" + std::to_string(report.tally.torn) +
          " after a lost commit), clients that died " + std::to_string(report.tally.client_deaths) +
          "\n";
  text += "sim: " + std::to_string(report.seeds) + " seeds, " + std::to_string(all_faults(report)) +
          " faults, " + std::to_string(report.msgs) + " msgs (" + std::to_string(report.reported) +
          " reported, " + std::to_string(report.failed) + " failed), " +
          with_digit(report.hours()) + " simulated hours in " + with_digit(report.cpu_seconds) +
          " CPU seconds (" + with_digit(speed(report)) +
          " hours a second): " + (report.failure ? "a law was broken" : "every law held");
  return text;
}

std::string json_sim(const SimReport& report) {
  nlohmann::ordered_json faults;
  for (std::size_t i = 0; i < sim::kFaultKinds; ++i) {
    faults[std::string{sim::word(static_cast<sim::FaultKind>(i))}] = report.tally.faults[i];
  }
  nlohmann::ordered_json json{{"seeds", report.seeds},
                              {"hours", report.hours()},
                              {"cpu_seconds", report.cpu_seconds},
                              {"hours_a_cpu_second", speed(report)},
                              {"msgs", report.msgs},
                              {"reported", report.reported},
                              {"failed", report.failed},
                              {"grants", report.tally.grants},
                              {"commits", report.tally.commits},
                              {"server_starts", report.tally.boots},
                              {"client_deaths", report.tally.client_deaths},
                              {"faults", faults},
                              {"broken", nullptr}};
  if (report.failure) {
    json["broken"] = {{"seed", report.failure->first.seed},
                      {"law", *report.failure->second.broken},
                      {"what", report.failure->second.what}};
  }
  return json.dump();
}

std::string json_history(const std::string& line) {
  const std::size_t space = line.find(' ');
  double at = 0.0;
  std::from_chars(line.data(), line.data() + space, at);
  return nlohmann::ordered_json{{"at", at}, {"what", line.substr(space + 1)}}.dump();
}

std::string progress(const SimReport& report, std::uint64_t seeds) {
  return "seed " + std::to_string(report.seeds) + "/" + std::to_string(seeds) + "  " +
         with_digit(report.hours()) + " simulated hours  " + std::to_string(all_faults(report)) +
         " faults  " + std::to_string(report.msgs) + " msgs";
}

}  // namespace pena::cli
