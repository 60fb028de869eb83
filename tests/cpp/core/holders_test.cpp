#include "core/holders.hpp"

#include <gmock/gmock.h>

#include <map>
#include <random>

namespace pena::core {
namespace {

Xid msg_id(std::uint32_t number) {
  Xid::Bytes bytes{};
  for (std::size_t i = 0; i < 4; ++i) {
    bytes[8 + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  }
  bytes[0] = 1;
  return Xid{bytes};
}

TEST(Holders, AnEmptyTableHasNothing) {
  Holders holders;
  EXPECT_FALSE(holders.contains(msg_id(1)));
  holders.erase(msg_id(1));
  EXPECT_EQ(holders.size(), 0);
}

TEST(Holders, TheNilIdIsAnIdLikeAnother) {
  Holders holders;
  EXPECT_TRUE(holders.insert(Xid{}, msg_id(9)));
  EXPECT_FALSE(holders.insert(Xid{}, msg_id(8)));
  EXPECT_EQ(*holders.find(Xid{}), msg_id(9));
  holders.erase(Xid{});
  EXPECT_FALSE(holders.contains(Xid{}));
}

// Few ids and many turns, so that runs of neighbours come and go around the end of the table.
TEST(Holders, DoesWhatAMapDoes) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    std::mt19937 dice(seed);
    Holders holders;
    std::map<Xid, Xid> expected;
    const std::uint32_t ids = 20 + seed * 4;
    for (std::uint32_t turn = 1; turn <= 3000; ++turn) {
      const Xid id = msg_id(static_cast<std::uint32_t>(dice()) % ids);
      if (dice() % 2 == 0) {
        EXPECT_EQ(holders.insert(id, msg_id(turn)), expected.emplace(id, msg_id(turn)).second);
      } else {
        holders.erase(id);
        expected.erase(id);
      }
      ASSERT_EQ(holders.size(), expected.size());
    }
    for (std::uint32_t number = 0; number < ids; ++number) {
      const Xid* const found = holders.find(msg_id(number));
      const auto wanted = expected.find(msg_id(number));
      ASSERT_EQ(found != nullptr, wanted != expected.end()) << "seed " << seed;
      if (found == nullptr) continue;
      EXPECT_EQ(*found, wanted->second);
    }
  }
}

}  // namespace
}  // namespace pena::core
