// A backlog of msgs whose clients died: what of it is in memory, and how soon a good client has its
// batch full.
#include <gtest/gtest.h>

#include <cstdio>

#include "sim/bench.hpp"

namespace pena::sim {
namespace {

constexpr std::uint32_t kBatch = 1000;

core::Limits limits() {
  core::Limits limits;
  limits.batchsize = kBatch;
  limits.window_msgs = 2 * kBatch;
  return limits;
}

std::vector<core::Xid> some_ids(std::size_t count) {
  core::XidFactory factory({7, 7, 7}, 7);
  std::vector<core::Xid> ids;
  for (std::size_t i = 0; i < count; ++i) ids.push_back(factory.next(core::from_us(1)));
  return ids;
}

// Thirty clients, one after the other, each of which dies with its batch.
void lose_all(Bench& bench) {
  bench.submit(some_ids(30 * kBatch));
  for (int death = 0; death < 30; ++death) bench.lose(bench.join(kBatch, false, std::nullopt));
  ASSERT_EQ(bench.take_grants().size(), 30U);
  bench.advance(limits().timing.drop_grace);
}

void expect_little_in_memory(const Bench& bench, const char* when) {
  const core::InMemory memory = bench.in_memory();
  std::printf("%s: %zu msgs in memory (%zu bytes), and the ids of %zu that were missed\n", when,
              memory.msgs, memory.bytes, memory.missed_ids);
  EXPECT_LE(memory.msgs, limits().window_msgs + limits().window_msgs / 4);
}

TEST(Backlog, OfLostBatchesCostsIdsAndAGoodClientGetsAFullBatch) {
  Bench bench{limits()};
  lose_all(bench);
  EXPECT_EQ(bench.in_memory().missed_ids, 30U * kBatch);
  expect_little_in_memory(bench, "30,000 suspects");
  (void)bench.join(kBatch, false, std::nullopt);
  const auto grants = bench.take_grants();
  ASSERT_EQ(grants.size(), 1U);
  EXPECT_EQ(grants[0]->msgs.size(), kBatch);
  expect_little_in_memory(bench, "after a grant");
}

TEST(Backlog, OfLostBatchesIsReadByTheWindowAfterARestart) {
  Bench bench{limits()};
  lose_all(bench);
  bench.restart();
  EXPECT_LE(bench.in_memory().missed_ids, limits().window_msgs);
  expect_little_in_memory(bench, "after a restart");
  (void)bench.join(kBatch, false, std::nullopt);
  bench.advance(core::Duration{0});
  const auto grants = bench.take_grants();
  ASSERT_EQ(grants.size(), 1U);
  EXPECT_EQ(grants[0]->msgs.size(), kBatch);
  // No more was read for it than it took.
  EXPECT_LE(bench.in_memory().missed_ids, 20U * kBatch);
  expect_little_in_memory(bench, "after its first batch");
}

}  // namespace
}  // namespace pena::sim
