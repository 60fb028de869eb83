// Worlds of many seeds: every law holds in each, and a seed gives the same world every time.
#include "sim/world.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace pena::sim {
namespace {

std::string told(const Scenario& scenario, const Outcome& outcome) {
  std::string text = "seed " + std::to_string(scenario.seed) + ": " + outcome.what + "\n  with " +
                     words(scenario.kinds);
  for (const Fault& fault : scenario.faults) text += "\n  " + describe(fault);
  return text;
}

TEST(World, EveryLawHoldsForEverySeed) {
  const char* const wanted = std::getenv("PENA_SEEDS");
  const std::uint64_t seeds = wanted == nullptr ? 200 : std::strtoull(wanted, nullptr, 10);
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const Scenario scenario = make_scenario({.seed = seed});
    const Outcome outcome = run(scenario);
    ASSERT_FALSE(outcome.broken) << told(scenario, outcome);
  }
}

}  // namespace
}  // namespace pena::sim
