// The queue read through change sets that are on their way is the queue once they are there.
#include "turn/overlay.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <optional>
#include <random>

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
  // A change set that is legal now; what it takes out it may put back, there or elsewhere.
  store::ChangeSet some_changes() {
    store::ChangeSet changes;
    for (std::size_t i = below(12); i > 0; --i) {
      const auto number = static_cast<std::uint16_t>(below(40));
      if (const auto at = waiting_.find(number); at != waiting_.end()) {
        take_out(number, at->second, changes);
        waiting_.erase(at);
      } else {
        waiting_[number] = put(number, changes);
      }
    }
    return changes;
  }

  struct Where {
    core::QueueNumber queue = core::kDefaultQueue;
    std::optional<core::Instant> due_at;
  };

  static void take_out(std::uint16_t number, const Where& where, store::ChangeSet& changes) {
    if (where.due_at) {
      changes.emplace_back(core::DropLater{id_of(number), *where.due_at});
    } else {
      changes.emplace_back(core::DropQueue{id_of(number), where.queue});
    }
  }

  Where put(std::uint16_t number, store::ChangeSet& changes) {
    core::QueuedMsg msg = queued(number, std::string(below(300), 'x'));
    msg.msg.queue = static_cast<core::QueueNumber>(below(3));
    Where where{msg.msg.queue, std::nullopt};
    if (below(3) == 0) {
      where.due_at = msg.queued_at = core::from_us(static_cast<std::int64_t>(below(10)));
      changes.emplace_back(core::PutLater{std::move(msg)});
    } else {
      changes.emplace_back(core::PutQueue{std::move(msg)});
    }
    return where;
  }

  std::mt19937 dice_{GetParam()};
  std::map<std::uint16_t, Where> waiting_;
};

TEST_P(Overlay, AnswersAsTheIndexDoesOnceAllIsApplied) {
  const auto before = store::make_memory_store();
  const auto after = store::make_memory_store();
  const store::Index& applied = *after;
  for (const auto& store : {before.get(), after.get()}) {
    store->commit({core::PutQueueName{2, "mail", false}});
  }
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
    const auto queue = static_cast<core::QueueNumber>(below(3));
    const QueueThrough through(*before, layers);
    const auto page = through.queue(queue, from, limit, bytes);
    const auto wanted = applied.queue(queue, from, limit, bytes);
    ASSERT_EQ(page.records, wanted.records);
    ASSERT_EQ(page.more, wanted.more);
    const QueueThrough narrowed(*before, layers, QueueThrough::Behind{queue, from});
    const auto narrow = narrowed.queue(queue, from, limit, bytes);
    ASSERT_EQ(narrow.records, wanted.records);
    ASSERT_EQ(narrow.more, wanted.more);

    std::vector<Xid> ids;
    for (const auto& [number, where] : waiting_) {
      if (!where.due_at && where.queue == queue && below(2) == 0) ids.push_back(id_of(number));
    }
    std::ranges::shuffle(ids, dice_);
    ASSERT_EQ(through.queued(queue, ids, bytes), applied.queued(queue, ids, bytes));

    const core::Instant up_to = core::from_us(static_cast<std::int64_t>(below(12)));
    const auto due = through.due(up_to, limit, SIZE_MAX);
    auto later = applied.later(std::nullopt, SIZE_MAX).records;
    const auto is_due = [&](const core::QueuedMsg& msg) {
      return msg.queued_at <= up_to;
    };
    const auto dues = static_cast<std::size_t>(std::ranges::count_if(later, is_due));
    const std::size_t read = std::min(dues, limit);
    const auto next = read < later.size() ? std::optional{later[read].queued_at} : std::nullopt;
    later.resize(read);
    ASSERT_EQ(due.msgs, later);
    ASSERT_EQ(due.next_due, next);

    std::optional<std::pair<core::Instant, Xid>> behind;
    std::optional<store::LaterPlace> behind_place;
    if (below(2) == 0) {
      behind.emplace(core::from_us(static_cast<std::int64_t>(below(10))),
                     id_of(static_cast<std::uint16_t>(below(40))));
      behind_place = store::LaterPlace{behind->first, behind->second};
    }
    const auto later_page = through.later(behind, limit, SIZE_MAX);
    const auto wanted_later = applied.later(behind_place, limit);
    ASSERT_EQ(later_page.records, wanted_later.records);
    ASSERT_EQ(later_page.more, wanted_later.more);

    const WaitingThrough single(*before, layers);
    for (std::uint16_t number = 0; number < 40; ++number) {
      const auto msg = single.waiting(id_of(number));
      const auto where = waiting_.find(number);
      ASSERT_EQ(msg.has_value(), where != waiting_.end());
      if (!msg) continue;
      ASSERT_EQ(msg->msg, applied.waiting(id_of(number)));
      ASSERT_EQ(msg->later, where->second.due_at.has_value());
    }
    for (const store::ChangeSet& changes : on_their_way) before->commit(changes);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Overlay, testing::Range(1U, 9U));

}  // namespace
}  // namespace pena::turn
