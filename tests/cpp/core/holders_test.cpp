#include "core/holders.hpp"

#include <gmock/gmock.h>

#include <map>
#include <random>

namespace pena::core {
namespace {

Xid id_of(std::uint32_t number) {
  Xid::Bytes bytes{};
  for (std::size_t i = 0; i < 4; ++i) {
    bytes[8 + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  }
  bytes[0] = 1;
  return Xid{bytes};
}

TEST(Holders, AnEmptyTableHasNothing) {
  Holders holders;
  EXPECT_FALSE(holders.contains(id_of(1)));
  holders.erase(id_of(1));
  EXPECT_EQ(holders.size(), 0);
}

TEST(Holders, TheNilIdIsAnIdLikeAnother) {
  Holders holders;
  EXPECT_TRUE(holders.insert(Xid{}, id_of(9)));
  EXPECT_FALSE(holders.insert(Xid{}, id_of(8)));
  EXPECT_EQ(*holders.find(Xid{}), id_of(9));
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
      const Xid id = id_of(static_cast<std::uint32_t>(dice()) % ids);
      if (dice() % 2 == 0) {
        EXPECT_EQ(holders.insert(id, id_of(turn)), expected.emplace(id, id_of(turn)).second);
      } else {
        holders.erase(id);
        expected.erase(id);
      }
      ASSERT_EQ(holders.size(), expected.size());
    }
    for (std::uint32_t number = 0; number < ids; ++number) {
      const Xid* const found = holders.find(id_of(number));
      const auto wanted = expected.find(id_of(number));
      ASSERT_EQ(found != nullptr, wanted != expected.end()) << "seed " << seed;
      if (found == nullptr) continue;
      EXPECT_EQ(*found, wanted->second);
    }
  }
}

}  // namespace
}  // namespace pena::core
