#include "cli/crew.hpp"

#include <gtest/gtest.h>

#include <set>

#include "cli/run.hpp"

namespace {

using namespace pena;
using client::EndReason;

std::vector<cli::Run> runs(std::initializer_list<EndReason> reasons) {
  std::vector<cli::Run> runs;
  for (const EndReason reason : reasons) {
    runs.emplace_back();
    runs.back().end.reason = reason;
  }
  return runs;
}

TEST(Crew, TenIsTheExitCodeWhereAPeriodEndedEveryClient) {
  EXPECT_EQ(cli::exit_code_of(runs({EndReason::period_too_long, EndReason::period_too_long})),
            cli::kClientEnded);
  EXPECT_EQ(cli::exit_code_of(runs({EndReason::period_too_long, EndReason::stopped})), cli::kOk);
  EXPECT_EQ(cli::exit_code_of(runs({EndReason::batches_done})), cli::kOk);
  EXPECT_EQ(cli::exit_code_of(runs({})), cli::kOk);
}

TEST(Crew, AClientThatWasRefusedFailsTheCommand) {
  EXPECT_EQ(cli::exit_code_of(runs({EndReason::period_too_long, EndReason::refused})),
            cli::kFailed);
}

TEST(Crew, TheDemosBatchsizesBeginAllDifferent) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    std::set<std::uint32_t> sizes;
    for (std::size_t client = 0; client < 9; ++client) {
      sizes.insert(cli::demo_batchsize(seed, client, 0));
    }
    EXPECT_EQ(sizes.size(), 9U);
    EXPECT_EQ(*sizes.begin(), 2U);
    EXPECT_EQ(*sizes.rbegin(), 10U);
  }
}

TEST(Crew, AClientThatIsStartedAgainDrawsItsBatchsizeAnew) {
  std::set<std::uint32_t> sizes;
  for (std::uint64_t start = 1; start < 100; ++start) {
    sizes.insert(cli::demo_batchsize(1, 0, start));
  }
  EXPECT_EQ(sizes, (std::set<std::uint32_t>{2, 3, 4, 5, 6, 7, 8, 9, 10}));
}

TEST(Crew, EveryStartOfEveryClientHasASeedOfItsOwn) {
  std::set<std::uint64_t> seeds;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    for (std::size_t client = 0; client < 10; ++client) {
      for (std::uint64_t start = 0; start < 10; ++start) {
        seeds.insert(cli::seed_of(seed, client, start));
      }
    }
  }
  EXPECT_EQ(seeds.size(), 1000U);
}

}  // namespace
