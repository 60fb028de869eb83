// Every sequence of a few things that can happen, each run from the start in a world of its own.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

#include "core/ledger.hpp"

namespace pena::core::test {

// A sanitizer makes each step many times slower.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kIsSlow = true;
#else
inline constexpr bool kIsSlow = false;
#endif

inline std::string written(const std::vector<std::size_t>& actions) {
  std::string text;
  for (const std::size_t action : actions) text += std::to_string(action) + " ";
  return text;
}

// Every world in which `depth` of its kActions actions follow those of `prefix`. A World has act(action), which throws
// LawBroken, and finish(), after which all has ended well.
template <class World>
void run_all(std::size_t depth, const std::vector<std::size_t>& prefix) {
  std::vector<std::size_t> choices(depth, 0);
  std::size_t worlds = 0;
  for (std::size_t digit = 0; digit < depth; ++worlds) {
    std::vector<std::size_t> actions = prefix;
    actions.insert(actions.end(), choices.begin(), choices.end());
    try {
      World world;
      for (const std::size_t action : actions) world.act(action);
      world.finish();
    } catch (const LawBroken& broken) {
      FAIL() << broken.what() << "\nafter the actions " << written(actions);
    }
    if (testing::Test::HasFatalFailure()) FAIL() << "after the actions " << written(actions);
    for (digit = 0; digit < depth && ++choices[digit] == World::kActions; ++digit) {
      choices[digit] = 0;
    }
  }
  std::printf("%zu worlds\n", worlds);
}

}  // namespace pena::core::test
