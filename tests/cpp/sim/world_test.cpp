// Worlds: every law holds for every seed, a seed is one world, and a scenario that breaks a law can
// be made smaller. That the oracle sees what is wrong is what tests/cpp/planted shows.
#include "sim/world.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace pena::sim {
namespace {

std::string told(const Scenario& scenario, const Outcome& outcome) {
  std::string text = "seed " + std::to_string(scenario.seed) + ": " + outcome.what + "\n  with " +
                     words(scenario.kinds);
  for (const Fault& fault : scenario.faults) text += "\n  " + describe(fault);
  return text;
}

bool is_worker(const Member& member) {
  return member.kind == MemberKind::worker;
}

TEST(World, EveryLawHoldsForEverySeed) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const Scenario scenario = make_scenario({.seed = seed});
    const Outcome outcome = run(scenario);
    ASSERT_FALSE(outcome.broken) << told(scenario, outcome);
  }
}

TEST(World, EveryLawHoldsWithAllFaultsAtOnce) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Scenario scenario = make_scenario({.seed = seed, .swarm = false});
    const Outcome outcome = run(scenario);
    ASSERT_FALSE(outcome.broken) << told(scenario, outcome);
  }
}

TEST(World, EveryLawHoldsWhereWorkersAreAlone) {
  int worlds = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Scenario scenario = make_scenario({.seed = seed});
    std::erase_if(scenario.clients, std::not_fn(is_worker));
    // Of other queues a client takes that is no worker.
    if (scenario.clients.empty() || scenario.queues.size() > 1) continue;
    ++worlds;
    const auto clients = static_cast<std::uint32_t>(scenario.clients.size());
    for (Fault& fault : scenario.faults) fault.client %= clients;
    const Outcome outcome = run(scenario);
    ASSERT_FALSE(outcome.broken) << told(scenario, outcome);
    EXPECT_GT(outcome.tally.grants, 0U);
  }
  EXPECT_GT(worlds, 10);
}

TEST(World, ASeedIsOneWorldLineByLine) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Outcome first = run(make_scenario({.seed = seed}), true);
    const Outcome again = run(make_scenario({.seed = seed}), true);
    ASSERT_EQ(first.history, again.history);
    ASSERT_EQ(first.digest, again.digest);
    // What is kept of it changes nothing.
    ASSERT_EQ(run(make_scenario({.seed = seed})).digest, first.digest);
  }
}

TEST(World, WithoutFaultsEveryMsgIsReportedAndNobodyDies) {
  ScenarioSettings settings{.seed = 11, .faults = {}};
  Scenario scenario = make_scenario(settings);
  std::erase_if(scenario.clients, is_worker);  // their handlers fail, and they are stopped
  for (Member& member : scenario.clients) {
    member.rules.max_running = member.rules.batchsize;
    member.rules.panic_above = member.rules.end_above = 1'000'000;
    member.rules.report_panicked = true;
  }
  scenario.longest_period = 100;
  const Outcome outcome = run(scenario);
  EXPECT_FALSE(outcome.broken) << outcome.what;
  EXPECT_EQ(outcome.reported, outcome.msgs);
  EXPECT_EQ(outcome.msgs, scenario.generate + scenario.submit);
  EXPECT_EQ(outcome.tally.client_deaths, 0U);
}

TEST(World, WhatBreaksALawIsMadeSmaller) {
  // Nobody is there to take the work, so not everything ends: whatever the faults are.
  Scenario scenario = make_scenario({.seed = 5, .swarm = false});
  scenario.clients.clear();
  std::erase_if(scenario.faults, [](const Fault& fault) {
    return fault.kind != FaultKind::server_crash && fault.kind != FaultKind::full_store;
  });
  for (Fault& fault : scenario.faults) fault.client = 0;
  scenario.clients.resize(1);
  scenario.clients[0].rules.batchsize = 100;  // the server refuses it
  scenario.give_up_at = scenario.calm_at;
  ASSERT_FALSE(scenario.faults.empty());
  const Outcome outcome = run(scenario);
  ASSERT_EQ(outcome.broken, "everything_ends") << outcome.what;
  const Scenario small = shrunk(scenario, *outcome.broken);
  EXPECT_TRUE(small.faults.empty());
  EXPECT_TRUE(small.kinds.none());
  EXPECT_EQ(run(small).broken, outcome.broken);
}

TEST(Scenario, FaultsHaveWords) {
  std::string bad;
  EXPECT_EQ(fault_set("all", bad), all_faults());
  EXPECT_EQ(fault_set("none", bad), FaultSet{});
  EXPECT_EQ(fault_set("drop,poison", bad)->count(), 2U);
  EXPECT_EQ(words(*fault_set("drop,poison", bad)), "drop,poison");
  EXPECT_FALSE(fault_set("drop,flood", bad));
  EXPECT_EQ(bad, "flood");
}

TEST(Scenario, TheDrawnTimesFitTogether) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    ASSERT_EQ(make_scenario({.seed = seed}).limits.problem(), std::nullopt) << seed;
  }
}

TEST(SkewedClock, TheTimeThatItNamesIsTheFirstThatShowsIt) {
  for (const double drift : {-0.025, -0.0005, 0.0, 0.0005, 0.025}) {
    const SkewedClock clock{core::from_us(1'000), TrueTime{77}, drift};
    for (std::int64_t us = 1'000; us < 5'000'000; us += 98'765) {
      const TrueTime when = clock.when(core::from_us(us));
      ASSERT_GE(clock.at(when), core::from_us(us));
      ASSERT_LT(clock.at(when - TrueTime{1}), core::from_us(us));
    }
  }
}

}  // namespace
}  // namespace pena::sim
