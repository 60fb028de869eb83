// When a msg that a client said failed is sent again.
#include "core/backoff.hpp"

#include <gtest/gtest.h>

#include "sample.hpp"

namespace pena::core {
namespace {

using namespace std::chrono_literals;

// Whatever a handler calls is away for so long, and nothing else is wrong: the last attempt comes later.
TEST(Backoff, OutlastsAnOutageOf20SecondsWithTheDefaults) {
  const Limits defaults;
  for (std::size_t number = 0; number < 10'000; ++number) {
    QueuedMsg msg{Msg{test::id_of(number), 1, {}}, {}, {}, {}};
    Duration waited{};
    while (msg.attempts_left(defaults.max_resends) > 1) {
      msg.misses.push_back({{}, {}, {}, {}, MissReason::failed, "no answer"});
      ++msg.attempts;
      waited += backoff(defaults, msg);
    }
    ASSERT_GT(waited, 20s) << number;
    ASSERT_LE(waited, 26250ms) << number;
  }
}

}  // namespace
}  // namespace pena::core
