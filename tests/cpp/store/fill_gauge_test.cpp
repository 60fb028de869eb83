// What a gauge of a store counts with between its looks at the list of free pages.
#include "store/fill_gauge.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "lmdb_folder.hpp"
#include "sample.hpp"
#include "store/lmdb_env.hpp"
#include "store/lmdb_store.hpp"
#include "support/temp_folder.hpp"

namespace pena::store {
namespace {

TEST(FillGauge, WhatIsCommittedMeanwhileTakesRoom) {
  const pena::test::TempFolder folder;
  const auto store = open_lmdb_store(folder.path(), test::kMap);
  store->commit({core::PutQueue{test::queued(1, std::string(8U << 20U, 'x'))}});
  store->commit({core::DropQueue{test::id_of(1)}});
  for (std::uint64_t i = 0; i < 3; ++i) store->commit({core::PutMeta{"x", i}});
  const auto env = LmdbEnv::open(folder.path(), 0, false);
  FillGauge gauge{test::kMap, 0};
  (void)gauge.read(*env);
  gauge.scan(*env, true);
  const std::uint64_t before = gauge.room(*env).pages;
  std::thread([&gauge] {
    for (int i = 0; i < 3; ++i) gauge.committed({1, 0, 10 * core::kRoomPage});
  }).join();
  const std::uint64_t after = gauge.room(*env).pages;
  EXPECT_GE(before, after + 30);
  gauge.committed({1, 0, 10 * core::kRoomPage});
  EXPECT_GE(after, gauge.room(*env).pages + 10);
  gauge.scan(*env, true);  // nothing was written in truth
  EXPECT_EQ(gauge.room(*env).pages, before);
}

}  // namespace
}  // namespace pena::store
