// Each planted bug breaks a law of the simulator within so many seeds. Prints the table of
// docs/planted-bugs.md.
#include <gtest/gtest.h>

#include <cstdio>
#include <ostream>
#include <string>

#include "planted.hpp"
#include "sim/world.hpp"

namespace pena::planted {

void PrintTo(const BugText& bug, std::ostream* out) {
  *out << bug.name;
}

}  // namespace pena::planted

namespace pena::sim {
namespace {

constexpr std::uint64_t kSeeds = 10'000;

class Planted : public testing::TestWithParam<planted::BugText> {
 protected:
  ~Planted() override { planted::chosen = planted::Bug::none; }
};

TEST_P(Planted, IsCaught) {
  planted::chosen = GetParam().bug;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Outcome outcome = run(make_scenario({.seed = seed}));
    if (!outcome.broken) continue;
    std::printf("| `%s` | %s | `%s` | %llu |\n", GetParam().name.data(), GetParam().what.data(),
                outcome.broken->c_str(), static_cast<unsigned long long>(seed));
    return;
  }
  FAIL() << GetParam().what << ": no law was broken in " << kSeeds << " seeds";
}

INSTANTIATE_TEST_SUITE_P(Bugs, Planted, testing::ValuesIn(planted::kBugs),
                         [](const testing::TestParamInfo<planted::BugText>& bug) {
                           return std::string{bug.param.name};
                         });

TEST(Unplanted, EveryLawHolds) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const Outcome outcome = run(make_scenario({.seed = seed}));
    ASSERT_FALSE(outcome.broken) << outcome.what;
  }
}

}  // namespace
}  // namespace pena::sim
