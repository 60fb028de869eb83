#include "cli/quantity.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace {

using namespace pena;
using namespace std::chrono_literals;

TEST(Quantity, DurationsAreReadInTheirFiveUnits) {
  EXPECT_EQ(cli::duration_from("250ms"), core::Duration{250ms});
  EXPECT_EQ(cli::duration_from("2s"), core::Duration{2s});
  EXPECT_EQ(cli::duration_from("5m"), core::Duration{5min});
  EXPECT_EQ(cli::duration_from("1h"), core::Duration{1h});
  EXPECT_EQ(cli::duration_from("7d"), core::Duration{7 * 24h});
  EXPECT_EQ(cli::duration_from("0ms"), core::Duration{0});
}

TEST(Quantity, WhatIsNoDurationIsRefused) {
  for (const char* text : {"", "30", "s", "-1s", "+1s", " 1s", "1s ", "1 s", "1.5s", "1S", "1sec",
                           "0x1s", "1s2", "99999999999999999999s"}) {
    EXPECT_FALSE(cli::duration_from(text)) << text;
  }
}

TEST(Quantity, ADurationThatOverflowsIsRefused) {
  const auto most = std::numeric_limits<core::Duration::rep>::max();
  EXPECT_TRUE(cli::duration_from(std::to_string(most / 1'000) + "ms"));
  EXPECT_FALSE(cli::duration_from(std::to_string(most / 1'000 + 1) + "ms"));
  EXPECT_FALSE(cli::duration_from("2562047789h"));
}

TEST(Quantity, ADurationIsWrittenAsItIsRead) {
  for (const char* text : {"250ms", "2s", "5m", "1h", "36h", "7d", "90s", "1500ms", "0ms"}) {
    EXPECT_EQ(cli::written(*cli::duration_from(text)), text);
  }
  EXPECT_EQ(cli::written(core::Duration{60s}), "1m");
}

TEST(Quantity, HowLongSomethingIsKeptIsATimeOrANumberOrNeither) {
  EXPECT_EQ(cli::written(core::Keep{}), "for ever");
  EXPECT_EQ(cli::written(core::Keep{24h, {}}), "1d");
  EXPECT_EQ(cli::written(core::Keep{{}, 1000}), "1000");
}

TEST(Quantity, SizesAreReadInPowersOf1024) {
  EXPECT_EQ(cli::size_from("512B"), 512U);
  EXPECT_EQ(cli::size_from("64KiB"), 65'536U);
  EXPECT_EQ(cli::size_from("8MiB"), 8U << 20U);
  EXPECT_EQ(cli::size_from("16GiB"), std::size_t{16} << 30U);
  EXPECT_EQ(cli::size_from("1TiB"), std::size_t{1} << 40U);
}

TEST(Quantity, WhatIsNoSizeIsRefused) {
  for (const char* text : {"", "8", "8MB", "8mib", "8M", "-8MiB", "1.5MiB", "16777216TiB"}) {
    EXPECT_FALSE(cli::size_from(text)) << text;
  }
  EXPECT_TRUE(cli::size_from("16777215TiB"));
}

TEST(Quantity, ASizeIsWrittenAsItIsRead) {
  for (const char* text : {"512B", "64KiB", "8MiB", "1536KiB", "16GiB", "0B"}) {
    EXPECT_EQ(cli::written_size(*cli::size_from(text)), text);
  }
}

}  // namespace
