// The queue read through change sets that are on their way is the queue once they are there.
#include "turn/overlay.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "store/memory_store.hpp"
#include "store/sample.hpp"

namespace pena::turn {
namespace {

using core::Xid;
using store::test::id_of;
using store::test::queued;

class Overlay : public testing::TestWithParam<unsigned> {
 protected:
  std::size_t below(std::size_t most) {
    return std::uniform_int_distribution<std::size_t>{0, most - 1}(dice_);
  }
  // A change set that is legal now; what it takes out it may put back.
  store::ChangeSet some_changes() {
    store::ChangeSet changes;
    for (std::size_t i = below(12); i > 0; --i) {
      const auto number = static_cast<std::uint16_t>(below(40));
      if (waiting_.contains(number)) {
        changes.emplace_back(core::DropQueue{id_of(number)});
        waiting_.erase(number);
      } else {
        changes.emplace_back(core::PutQueue{queued(number, std::string(below(300), 'x'))});
        waiting_.insert(number);
      }
    }
    return changes;
  }

  std::mt19937 dice_{GetParam()};
  std::set<std::uint16_t> waiting_;
};

TEST_P(Overlay, AnswersAsTheIndexDoesOnceAllIsApplied) {
  const auto before = store::make_memory_store();
  const auto after = store::make_memory_store();
  for (int round = 0; round < 200; ++round) {
    std::vector<store::ChangeSet> on_their_way;
    for (std::size_t i = below(4); i > 0; --i) on_their_way.push_back(some_changes());
    std::vector<const store::ChangeSet*> layers;
    for (const store::ChangeSet& changes : on_their_way) {
      after->commit(changes);
      layers.push_back(&changes);
    }
    const auto from =
        below(3) == 0 ? std::nullopt : std::optional{id_of(static_cast<std::uint16_t>(below(40)))};
    const std::size_t limit = 1 + below(30);
    const std::size_t bytes = below(2) == 0 ? SIZE_MAX : 1 + below(3000);
    const QueueThrough through(*before, layers);
    const auto page = through.queue(from, limit, bytes);
    const auto wanted = after->queue(from, limit, bytes);
    ASSERT_EQ(page.records, wanted.records);
    ASSERT_EQ(page.more, wanted.more);

    std::vector<Xid> ids;
    for (const std::uint16_t number : waiting_) {
      if (below(2) == 0) ids.push_back(id_of(number));
    }
    std::ranges::shuffle(ids, dice_);
    ASSERT_EQ(through.queued(ids, bytes),
              static_cast<const store::Index&>(*after).queued(ids, bytes));
    for (const store::ChangeSet& changes : on_their_way) before->commit(changes);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Overlay, testing::Range(1U, 9U));

TEST(PutIds, SeesWhatIsAddedToAChangeSet) {
  store::ChangeSet changes{core::PutQueue{queued(1)}};
  PutIds put;
  put.note(changes);
  changes.emplace_back(core::PutQueue{queued(2)});
  EXPECT_TRUE(put.contains(id_of(1)));
  EXPECT_FALSE(put.contains(id_of(2)));
  put.note(changes);
  EXPECT_TRUE(put.contains(id_of(2)));
}

}  // namespace
}  // namespace pena::turn
