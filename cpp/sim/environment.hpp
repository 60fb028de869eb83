// What all that take part in a world share.
#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "sim/dice.hpp"
#include "sim/disk.hpp"
#include "sim/network.hpp"
#include "sim/oracle.hpp"
#include "sim/scenario.hpp"
#include "sim/timeline.hpp"

namespace pena::sim {

// Numbers of what was survived.
struct Tally {
  std::uint64_t boots = 0, streams = 0, grants = 0, reports = 0, commits = 0, torn = 0;
  std::uint64_t client_deaths = 0;
  std::array<std::uint64_t, kFaultKinds> faults{};  // by kind; of the kinds of a whole world: 1
};

// What happened, a line each; kept only where somebody will read it.
class History {
 public:
  explicit History(bool kept) : kept_(kept) {}
  // `text` is a function that makes the line: called where lines are kept.
  template <class Text>
  void note(TrueTime at, Text text) {
    if (kept_) add(at, text());
  }
  [[nodiscard]] std::vector<std::string> take() { return std::move(lines_); }

 private:
  void add(TrueTime at, const std::string& text);

  bool kept_;
  std::vector<std::string> lines_;
};

struct Environment {
  Environment(const Scenario& scenario_given, bool keep_history)
      : scenario(scenario_given),
        oracle(scenario_given.limits),
        disk(oracle, scenario_given.limits, scenario_given.has_log(),
             Dice{scenario_given.seed, 16}),
        network(timeline, scenario_given),
        history(keep_history) {
    for (std::size_t kind = 0; kind < kFaultKinds; ++kind) {
      if (!is_timed(static_cast<FaultKind>(kind)) && scenario.kinds.test(kind))
        ++tally.faults[kind];
    }
  }

  const Scenario& scenario;
  Timeline timeline;
  Oracle oracle;
  Disk disk;
  Network network;
  History history;
  Tally tally;

  [[nodiscard]] bool has(FaultKind kind) const {
    return scenario.kinds.test(static_cast<std::size_t>(kind));
  }
  template <class Text>
  void note(Text text) {
    history.note(timeline.now(), std::move(text));
  }
};

}  // namespace pena::sim
