// How large a piece is, and that what is picked is a piece: the invariants of core/suspects.hpp on
// random msgs.
#include "core/suspects.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <random>
#include <set>
#include <utility>

#include "sample.hpp"

namespace pena::core {
namespace {

using test::id_of;

QueuedMsg lost(std::size_t number, const std::vector<std::size_t>& batches) {
  QueuedMsg msg{{id_of(1, number), 1, {}}, {}, {}, {}};
  for (const std::size_t batch : batches) {
    ++msg.attempts;
    msg.misses.push_back({id_of(2, batch), id_of(3, 0), {}, {}, MissReason::dropped, {}});
  }
  return msg;
}

TEST(PieceSize, ShrinksWithTheAttemptsThatAreLeft) {
  EXPECT_EQ(piece_size(10'000, 3, 1), 455U);  // 22 pieces: 22³ is the first above 10,000
  EXPECT_EQ(piece_size(455, 2, 1), 21U);
  EXPECT_EQ(piece_size(21, 1, 1), 1U);
  EXPECT_EQ(piece_size(1000, 3, 1), 100U);  // a root that is whole is not rounded up
  EXPECT_EQ(piece_size(1'000'000, 2, 1), 1000U);
}

TEST(PieceSize, OfAFewMsgsIsOne) {
  for (std::size_t lost = 1; lost <= 16; ++lost) EXPECT_EQ(piece_size(lost, 3, 16), 1U);
  EXPECT_EQ(piece_size(17, 3, 16), 2U);
  EXPECT_EQ(piece_size(100'000, 3, 1'000'000), 1U);
}

TEST(PieceSize, IsAtMostWhatTheRootAllowsAndNoneIsEmpty) {
  for (int left = 1; left <= 1001; left = left < 10 ? left + 1 : left * 10 + 1) {
    for (std::size_t lost = 1; lost <= 100'000; lost = lost < 50 ? lost + 1 : lost * 3 / 2) {
      const std::size_t piece = piece_size(lost, left, 1);
      ASSERT_GE(piece, 1U);
      ASSERT_LT(std::log(static_cast<double>(piece - 1)) * left,
                std::log(static_cast<double>(lost)) * (left - 1) + 1e-9)
          << piece << " of " << lost << " with " << left << " left";
      ASSERT_TRUE(lost == 1 || piece < lost) << "it does not shrink, with " << left << " left";
    }
  }
}

class SuspectsProperty : public testing::TestWithParam<std::uint64_t> {};

// Random msgs with random losses come and go; beside them a map that knows all.
TEST_P(SuspectsProperty, WhatIsPickedIsThereAndIsOnePieceOfEachLostBatch) {
  std::mt19937_64 dice(GetParam());
  const auto below = [&](std::size_t end) {
    return static_cast<std::size_t>(dice() % end);
  };
  const std::size_t fewest = std::array{1U, 2U, 16U}.at(below(3));
  const int most_attempts = 2 + static_cast<int>(below(4));
  Suspects suspects(most_attempts - 1, fewest);
  std::map<Xid, QueuedMsg> model;
  using Key = std::pair<int, Xid>;  // attempt, last loss
  std::map<Key, std::size_t> waiting, most;
  const auto key_of = [](const QueuedMsg& msg) {
    return Key{msg.attempt(), msg.misses.back().batch};
  };
  const auto forget = [&](const Xid& id) {
    const QueuedMsg msg = model.extract(id).mapped();
    suspects.remove(msg);
    if (--waiting[key_of(msg)] == 0) most.erase(key_of(msg));
  };
  for (int round = 0; round < 300; ++round) {
    for (std::size_t n = below(30); n > 0; --n) {
      std::set<std::size_t> batches;
      const std::size_t losses = 1 + below(static_cast<std::size_t>(most_attempts) - 1);
      while (batches.size() < losses) batches.insert(below(8));
      const QueuedMsg msg = lost(below(2000), {batches.begin(), batches.end()});
      if (model.contains(msg.msg.id) && model.at(msg.msg.id) != msg) continue;
      const bool is_new = model.try_emplace(msg.msg.id, msg).second;
      ASSERT_EQ(suspects.add(msg), is_new);
      if (!is_new) continue;
      std::size_t& now = ++waiting[key_of(msg)];
      most[key_of(msg)] = std::max(most[key_of(msg)], now);
    }
    const std::size_t room = 1 + below(40);
    const bool piece_only = below(4) == 0;
    const std::vector<Xid> picked = piece_only ? suspects.pick_piece(room) : suspects.pick(room);
    ASSERT_LE(picked.size(), room);
    ASSERT_EQ(picked.empty(), model.empty());
    std::set<Xid> once;
    std::map<Xid, Key> piece_of;
    std::map<Key, std::size_t> pieces;
    int attempt = 1000;
    for (const Xid& id : picked) {
      ASSERT_TRUE(once.insert(id).second);
      ASSERT_TRUE(model.contains(id));
      const QueuedMsg& msg = model.at(id);
      ASSERT_LE(msg.attempt(), attempt) << "one with more attempts left goes first";
      attempt = msg.attempt();
      ++pieces[key_of(msg)];
      for (const Miss& miss : msg.misses) {
        ASSERT_EQ(piece_of.try_emplace(miss.batch, key_of(msg)).first->second, key_of(msg));
      }
    }
    for (const auto& [key, size] : pieces) {
      ASSERT_LE(size, piece_size(most.at(key), most_attempts - key.first + 1, fewest));
    }
    ASSERT_TRUE(attempt != most_attempts || picked.size() == 1);
    ASSERT_TRUE(!piece_only || picked.empty() || pieces.size() == 1U);
    for (const Xid& id : picked) forget(id);
    // Some leave by themselves, as where a report of an old batch comes late.
    for (std::size_t n = below(5); n > 0 && !model.empty(); --n) {
      forget(std::next(model.begin(), static_cast<std::ptrdiff_t>(below(model.size())))->first);
    }
    ASSERT_EQ(suspects.size(), model.size());
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, SuspectsProperty,
                         testing::Range(std::uint64_t{1}, std::uint64_t{21}));

}  // namespace
}  // namespace pena::core
