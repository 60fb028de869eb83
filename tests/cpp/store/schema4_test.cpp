// Stores of schema 4: whole as they are, and without a log.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lmdb_folder.hpp"
#include "sample.hpp"
#include "store/check.hpp"
#include "store/format.hpp"
#include "store/lmdb_store.hpp"
#include "support/temp_folder.hpp"

namespace pena::store {
namespace {

using test::id_of;
using test::kMap;
using test::reported;

class Schema4Test : public testing::Test {
 protected:
  Schema4Test() {
    const auto store = open_lmdb_store(folder_.path(), kMap);
    store->commit({core::PutReport{reported(9)}, core::PutReport{reported(4)},
                   core::PutReport{reported(7)}, core::PutMeta{"schema", 4}});
    store->commit({core::DropReport{id_of(7)}});
  }
  void expect_sound() const {
    EXPECT_THAT(check_lmdb_store(folder_.path()).problems, testing::SizeIs(0));
  }
  pena::test::TempFolder folder_;
};

TEST_F(Schema4Test, AViewReadsItAsItIs) {
  const auto view = open_lmdb_view(folder_.path());
  EXPECT_EQ(view->meta("schema"), 4U);
  EXPECT_EQ(view->reports_since(0, 9).records, (std::vector{reported(9, 1), reported(4, 2)}));
  expect_sound();
}

TEST_F(Schema4Test, AServerGoesOnWithIt) {
  const auto store = open_lmdb_store(folder_.path(), kMap);
  EXPECT_EQ(store->meta("schema"), kSchema);
  store->commit({core::PutReport{reported(2)}});
  EXPECT_EQ(store->reports_since(0, 9).records,
            (std::vector{reported(9, 1), reported(4, 2), reported(2, 4)}))
      << "the third place was given out";
  expect_sound();
}

}  // namespace
}  // namespace pena::store
