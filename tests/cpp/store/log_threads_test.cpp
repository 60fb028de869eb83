// A log whose owner appends while other threads apply, make segments ready and read.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>

#include "lmdb_folder.hpp"
#include "random_changes.hpp"
#include "store/lmdb_store.hpp"
#include "store/log_frames.hpp"
#include "store/log_store.hpp"
#include "store/memory_store.hpp"
#include "store/outside_view.hpp"
#include "support/temp_folder.hpp"

namespace pena::store {
namespace {

TEST(LogThreads, OneAppendsOneAppliesAndTwoRead) {
  const pena::test::TempFolder folder;
  const std::string path = folder / "store";
  LogStore store{open_lmdb_store(path, test::kMap), log_files_in(path),
                 LogStore::Settings{{3, 16 * kLogBlock}, 8000, 4711}};
  const auto model = make_memory_store();
  std::atomic<bool> over = false;
  std::atomic<bool> read = false;  // nobody waits for the applier any more
  std::atomic<std::uint64_t> generated = 0;
  std::thread applier([&] {
    while (!read) {
      (void)store.apply();
      while (store.make_ready().more) {
      }
    }
  });
  const auto reads = [&](const std::function<std::uint64_t()>& look) {
    while (!over) {
      const std::uint64_t acknowledged = generated;
      ASSERT_GE(look(), acknowledged);
    }
  };
  std::thread inside([&] {
    reads([&] {
      store.settle();
      return store.meta(kGenerated).value_or(0);
    });
  });
  const auto view = open_store_view(path);
  std::thread outside([&] { reads([&] { return view->meta(kGenerated).value_or(0); }); });
  test::RandomChanges changes{7};
  for (std::uint64_t round = 1; round <= 400; ++round) {
    ChangeSet set = changes.next(changes.below(12));
    std::erase_if(
        set, [](const core::Write& write) { return std::holds_alternative<core::PutMeta>(write); });
    set.emplace_back(core::PutMeta{kGenerated, round});
    model->commit(set);
    store.commit(set);
    EXPECT_LE(store.applied(), store.durable());
    (void)store.fill();
    generated = round;
  }
  over = true;
  for (std::thread* const reader : {&inside, &outside}) reader->join();
  read = true;
  applier.join();
  store.settle();
  EXPECT_EQ(test::contents_of(store), test::contents_of(*model));
}

}  // namespace
}  // namespace pena::store
