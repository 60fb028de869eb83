// Which answers the log tells of, and in which words.
#include "turn/refusal_log.hpp"

#include <gtest/gtest.h>

namespace pena::turn::test {
namespace {

constexpr core::Instant kNow = core::from_us(1'000'000'000);

TEST(RefusalLog, TellsOfRefusalsAlone) {
  RefusalLog log;
  for (const unsigned status : {200U, 201U, 204U, 399U, 500U}) {
    EXPECT_EQ(log.note(status, kNow), std::nullopt) << status;
  }
  for (const unsigned status : {400U, 404U, 499U, 501U, 503U}) {
    EXPECT_EQ(log.note(status, kNow), 0U) << status;
  }
}

TEST(RefusalLog, TellsOfTenASecondAndCountsTheOthers) {
  RefusalLog log;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(log.note(400, kNow), 0U);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(log.note(503, kNow), std::nullopt);
  EXPECT_EQ(log.note(200, kNow), std::nullopt);  // is no refusal that was left out
  EXPECT_EQ(log.note(400, kNow + std::chrono::seconds{1}), 3U);
}

TEST(RefusalLog, SaysWhatWasAskedByWhomAndWhatIsWrongWithIt) {
  const Answer answer = refuse({404, "there is no /x"});
  EXPECT_EQ(RefusalLog::line("GET /x", "127.0.0.1 port 7", answer, 0),
            "refused \"GET /x\" from 127.0.0.1 port 7: 404, there is no /x");
  EXPECT_EQ(RefusalLog::line("", "a peer that is gone", busy("full"), 12),
            "refused a request from a peer that is gone: 503, full; try again later; before it 12 "
            "more were refused");
}

}  // namespace
}  // namespace pena::turn::test
