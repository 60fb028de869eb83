// The queue against a map of all msgs: whatever comes, goes, is missed and is read again, each msg is
// handed out once for each time that it was put in, in the order of the lanes, with all that it was
// put in with, and memory stays within the window. The invariants are those of core/queue.hpp.
#include "core/queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <set>

#include "queue_invariants.hpp"
#include "sample.hpp"

namespace pena::core {
namespace {

using test::id_of;

class QueueProperty : public testing::TestWithParam<std::uint64_t> {
 protected:
  QueueProperty() : dice_(GetParam()) {
    limits_.window_msgs = std::array{2U, 8U, 40U}.at(below(3));
    limits_.window_bytes = below(3) == 0 ? 4000 : 1U << 20U;
    limits_.fewest_pieces = std::array{1U, 16U}.at(below(2));
    queue_.emplace(limits_, kDefaultQueue, 0);
  }

  std::size_t below(std::size_t end) { return static_cast<std::size_t>(dice_() % end); }

  void add() {
    // Mostly behind all that there were, sometimes among them.
    std::size_t number = below(4) == 0 ? below(60'000) : next_ += 1 + below(5);
    while (ever_.contains(number)) ++number;
    ever_.insert(number);
    put({{id_of(1, number), 1, std::string(below(300), 'x')}, {}, {}, {}});
  }

  // Some of what one client held is missed: lost with it, or left out.
  void miss() {
    if (held_.empty()) return;
    const bool lost = below(2) == 0;
    const Xid batch = id_of(2, ++batches_);
    for (std::size_t n = 1 + below(held_.size()); n > 0; --n) {
      QueuedMsg msg = std::move(held_.back());
      held_.pop_back();
      if (msg.attempt() > limits_.max_resends) continue;
      const auto reason = lost ? MissReason::dropped : MissReason::failed;
      ++msg.attempts;
      msg.misses.push_back({batch, id_of(3, 0), {}, {}, reason, lost ? "" : "no luck"});
      put(std::move(msg));
    }
  }

  void put(QueuedMsg&& msg) {
    model_.emplace(msg.msg.id, msg);
    queue_->add(std::move(msg), writes_);
    QueueInvariants::check(*queue_);
  }

  // A step and its round.
  void end_round() {
    queue_->write_added(writes_);
    for (const Write& write : writes_) {
      if (const auto* record = std::get_if<PutQueue>(&write)) {
        const bool is_new = stored_.emplace(record->msg.msg.id, record->msg).second;
        ASSERT_TRUE(is_new) << "it has a record already";
      } else {
        ASSERT_EQ(stored_.erase(std::get<DropQueue>(write).id), 1U) << "it has no record";
      }
    }
    writes_.clear();
    ASSERT_EQ(stored_, model_) << "everybody who waits has a record, of what he is";
    QueueInvariants::check_written(*queue_, stored_);
    const InMemory memory = queue_->in_memory();
    ASSERT_LE(memory.msgs, limits_.window_msgs + limits_.window_msgs / 4);
    ASSERT_LE(memory.bytes, limits_.window_bytes * 5 / 4 + 2000);  // the first may be of any size
    if (!queue_->more_in_store()) {
      ASSERT_EQ(memory.missed_ids, std::ranges::count_if(model_, [](const auto& waits) {
                  return !waits.second.misses.empty();
                }));
    }
  }

  // Some that are named, or a page in a row, whether or not memory has seen them.
  void forget() {
    std::vector<QueuedMsg> gone;
    const bool in_a_row = below(2) == 0;
    const std::size_t first = model_.empty() ? 0 : below(model_.size());
    for (std::size_t at = 0; const auto& [id, msg] : model_) {
      const bool goes = in_a_row ? at >= first && at < first + 10 : below(6) == 0;
      if (goes) gone.push_back(msg);
      ++at;
    }
    queue_->forget(gone, writes_);
    for (const QueuedMsg& msg : gone) model_.erase(msg.msg.id);
    QueueInvariants::check(*queue_);
  }

  // False where nothing is wanted.
  bool refill(bool hungry) {
    const auto wanted = queue_->wanted_refill(hungry);
    if (!wanted) return false;
    EXPECT_GE(wanted->limit, 1U);
    std::vector<QueuedMsg> page;
    auto at = wanted->after ? stored_.upper_bound(*wanted->after) : stored_.begin();
    std::size_t bytes = 0;
    for (; at != stored_.end() && page.size() < wanted->limit && bytes < wanted->bytes; ++at) {
      bytes += at->second.memory_bytes();
      page.push_back(at->second);
    }
    queue_->refill(std::move(page), at != stored_.end());
    QueueInvariants::check(*queue_);
    return true;
  }

  void take() {
    const std::size_t size = 1 + below(std::max<std::size_t>(1, limits_.window_msgs / 2));
    const bool takes_short = below(4) == 0;
    QueuePlan plan = queue_->plan(size, takes_short, below(2) == 0);
    while (plan.size() < size && refill(true)) {
      end_round();
      plan = queue_->plan(size, takes_short, false);
    }
    ASSERT_LE(plan.size(), size);
    // Whoever is there is had: now, when others are gone, or when more is read.
    ASSERT_TRUE(plan.size() > 0 || model_.empty());
    if (const auto missing = queue_->without_body(plan); !missing.empty()) {
      std::vector<QueuedMsg> bodies;
      const std::size_t some = 1 + below(missing.size());  // they may be too large for the window
      for (const Xid& id : missing) {
        ASSERT_TRUE(stored_.contains(id)) << "what is not in memory is in the store";
        if (bodies.size() < some) bodies.push_back(stored_.at(id));
      }
      queue_->bodies_read(std::move(bodies));
      QueueInvariants::check(*queue_);
      queue_->leave_out_bodiless(plan);
    }
    const std::vector<QueuedMsg> taken = queue_->remove(plan, writes_);
    QueueInvariants::check(*queue_);
    ASSERT_EQ(taken.size(), plan.size());
    for (const QueuedMsg& msg : taken) {
      ASSERT_TRUE(model_.contains(msg.msg.id)) << "it is handed out twice";
      ASSERT_EQ(msg, model_.at(msg.msg.id));
      model_.erase(msg.msg.id);
    }
    check_lanes(taken, plan);
    held_.insert(held_.end(), taken.begin(), taken.end());
    std::ranges::shuffle(held_, dice_);
  }

  void check_lanes(const std::vector<QueuedMsg>& taken, const QueuePlan& plan) const {
    const auto suspects = taken.begin() + static_cast<std::ptrdiff_t>(plan.resends);
    const auto fresh = suspects + static_cast<std::ptrdiff_t>(plan.suspects.size());
    const auto id = [](const QueuedMsg& msg) {
      return msg.msg.id;
    };
    ASSERT_TRUE(std::ranges::is_sorted(taken.begin(), suspects, {}, id));
    ASSERT_TRUE(std::ranges::is_sorted(fresh, taken.end(), {}, id));
    ASSERT_TRUE(std::ranges::all_of(taken.begin(), suspects, [](const QueuedMsg& msg) {
      return !msg.misses.empty() && msg.last_loss() == nullptr;
    }));
    ASSERT_TRUE(std::ranges::all_of(
        suspects, fresh, [](const QueuedMsg& msg) { return msg.last_loss() != nullptr; }));
    ASSERT_TRUE(std::ranges::all_of(fresh, taken.end(),
                                    [](const QueuedMsg& msg) { return msg.misses.empty(); }));
    // The oldest fresh ones go, whoever else waits.
    for (const auto& [waits, msg] : model_) {
      ASSERT_TRUE(!msg.misses.empty() || fresh == taken.end() || waits > taken.back().msg.id);
    }
    // Pieces of one lost batch do not travel together.
    std::map<Xid, std::pair<int, Xid>> piece_of;
    for (auto at = suspects; at != fresh; ++at) {
      const std::pair<int, Xid> piece{at->attempt(), at->last_loss()->batch};
      for (const Miss& miss : at->misses) {
        if (!miss.lost_whole()) continue;
        ASSERT_EQ(piece_of.try_emplace(miss.batch, piece).first->second, piece);
      }
    }
  }

  std::mt19937_64 dice_;
  Limits limits_;
  std::optional<Queue> queue_;
  std::map<Xid, QueuedMsg> model_;   // what waits
  std::map<Xid, QueuedMsg> stored_;  // what has a record
  std::vector<QueuedMsg> held_;
  std::vector<Write> writes_;
  std::set<std::size_t> ever_;
  std::size_t next_ = 10'000, batches_ = 0;
};

TEST_P(QueueProperty, IsTheMapOfWhatWaits) {
  for (int step = 0; step < 600 && !HasFatalFailure(); ++step) {
    const std::size_t what = below(11);
    if (what < 4) {
      for (std::size_t n = 1 + below(12); n > 0; --n) add();
    } else if (what < 6) {
      miss();
    } else if (what < 9) {
      take();
    } else if (what == 10) {
      if (below(3) == 0) forget();
    } else if (below(8) == 0) {
      end_round();
      queue_.emplace(limits_, kDefaultQueue, stored_.size());  // a restart
    } else {
      refill(false);
    }
    end_round();
  }
  // All of it can be had.
  for (int step = 0; step < 20'000 && !model_.empty() && !HasFatalFailure(); ++step) {
    take();
    end_round();
    held_.clear();
  }
  EXPECT_TRUE(model_.empty());
  while (refill(true)) end_round();
  EXPECT_TRUE(queue_->empty());
  EXPECT_EQ(queue_->in_memory().bytes, 0U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, QueueProperty, testing::Range(std::uint64_t{1}, std::uint64_t{41}));

TEST(Queue, ARefillBringsSuspectsAsFarAsTheWindowUnlessSomebodyIsHungry) {
  Limits limits;
  limits.window_msgs = 10;
  Queue queue(limits, kDefaultQueue, 1000);
  std::vector<QueuedMsg> page;
  for (std::size_t number = 0; number < 10; ++number) {
    QueuedMsg msg{{id_of(1, number), 1, "payload"}, {}, {}, {}};
    ++msg.attempts;
    msg.misses.push_back({id_of(2, number % 2), id_of(3, 0), {}, {}, MissReason::dropped, {}});
    page.push_back(msg);
  }
  ASSERT_TRUE(queue.wanted_refill(false));
  queue.refill(std::move(page), true);
  EXPECT_FALSE(queue.wanted_refill(false));
  ASSERT_TRUE(queue.wanted_refill(true));
  EXPECT_EQ(queue.wanted_refill(true)->after, id_of(1, 9));
  EXPECT_EQ(queue.in_memory().missed_ids, 10U);
  EXPECT_EQ(queue.in_memory().msgs, 0U);
}

TEST(Queue, TheWindowIsFullAtItsBytesAndABatchWithIt) {
  Limits limits;
  limits.window_bytes = 10'000;
  Queue queue(limits, kDefaultQueue, 0);
  std::vector<Write> writes;
  for (std::size_t number = 0; number < 20; ++number) {
    queue.add({{id_of(1, number), 1, std::string(2000, 'x')}, {}, {}, {}}, writes);
  }
  queue.write_added(writes);
  EXPECT_LE(queue.in_memory().bytes, limits.window_bytes);
  EXPECT_TRUE(queue.more_in_store());
  EXPECT_FALSE(queue.wanted_refill(true));
  const QueuePlan plan = queue.plan(20, false, false);
  EXPECT_EQ(plan.size(), 4U);
  EXPECT_TRUE(plan.full);
}

TEST(Queue, AMsgLargerThanTheWindowIsHadAllTheSame) {
  Limits limits;
  limits.window_bytes = 100;
  Queue queue(limits, kDefaultQueue, 0);
  std::vector<Write> writes;
  queue.add({{id_of(1, 1), 1, std::string(2000, 'x')}, {}, {}, {}}, writes);
  queue.add({{id_of(1, 2), 1, std::string(2000, 'x')}, {}, {}, {}}, writes);
  EXPECT_EQ(queue.in_memory().msgs, 1U);
  EXPECT_EQ(queue.plan(2, false, false).size(), 1U);
}

}  // namespace
}  // namespace pena::core
