// The turn loop: what arrives together shares a round, what fails lets nothing go, and a
// store that hangs holds nobody up.
#include "server/turn_loop.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <future>

#include "store/forwarding_store.hpp"
#include "store/lmdb_store.hpp"
#include "store/memory_store.hpp"
#include "support/temp_folder.hpp"
#include "turn/inbox.hpp"
#include "turn/late_store.hpp"

namespace pena::server::test {
namespace {

// A store in memory whose commits wait until they are let through.
class GatedStore final : public store::ForwardingStore {
 public:
  explicit GatedStore(std::optional<int> failing_commit = std::nullopt)
      : ForwardingStore(store::make_memory_store(failing_commit)) {}

  void commit(const store::ChangeSet& changes) override {
    {
      std::unique_lock lock(mutex_);
      ++begun_;
      changed_.notify_all();
      changed_.wait(lock, [this] { return open_; });
    }
    ForwardingStore::commit(changes);
  }
  void wait_for_commit(int number) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return begun_ >= number; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  [[nodiscard]] int commits() const {
    const std::lock_guard lock(mutex_);
    return begun_;
  }

  [[nodiscard]] std::vector<std::optional<store::Bucket>> find_all(
      const std::vector<core::Xid>& ids) const override {
    ++lookups_;
    return ForwardingStore::find_all(ids);
  }
  [[nodiscard]] int lookups() const { return lookups_; }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int begun_ = 0;
  bool open_ = false;
  mutable std::atomic<int> lookups_ = 0;
};

class TurnLoopTest : public testing::Test {
 protected:
  static inline std::atomic<core::Instant> wall{core::from_us(1'700'000'000'000'000)};
  void run(std::optional<int> failing_commit = std::nullopt) {
    store_.emplace(failing_commit);
    turn_.emplace(core::Limits{}, *store_, *store_, std::nullopt, ids_, clock_.now());
    loop_.emplace(*turn_, clock_,
                  TurnLoop::Hooks{[this](std::vector<turn::Outgoing> outgoing) {
                                    const std::lock_guard lock(mutex_);
                                    batches_.push_back(outgoing.size());
                                  },
                                  [this](std::exception_ptr error) {
                                    failed_.set_value(std::move(error));
                                  }});
  }
  void submit(core::RequestId request) {
    loop_->push(core::Submitted{request, {{ids_.next(clock_.date()), 1, {}}}});
  }
  [[nodiscard]] std::vector<std::size_t> batches() {
    const std::lock_guard lock(mutex_);
    return batches_;
  }

  core::XidFactory ids_{{1, 2, 3}, 4};
  Clock clock_{[] {
    return wall.load();
  }};
  std::mutex mutex_;
  std::vector<std::size_t> batches_;  // how many sends each round let go
  std::promise<std::exception_ptr> failed_;
  std::optional<GatedStore> store_;
  std::optional<turn::Turn> turn_;
  std::optional<TurnLoop> loop_;
};

TEST_F(TurnLoopTest, WhatArrivesWhileACommitHangsSharesARound) {
  run();
  submit(1);
  store_->wait_for_commit(1);
  for (core::RequestId request = 2; request <= 50; ++request)
    submit(request);  // none of them waits
  EXPECT_EQ(batches(), std::vector<std::size_t>{});
  EXPECT_EQ(store_->counts().queue, 0U);
  store_->open();
  loop_->stop();
  EXPECT_EQ(batches(), (std::vector<std::size_t>{1, 49}));
  EXPECT_EQ(store_->commits(), 2);
  EXPECT_EQ(store_->counts().queue, 50U);
  EXPECT_EQ(loop_->counts().submitted, 50U);
}

// A hundred thousand ids that no batch holds would keep the others' rounds waiting.
TEST_F(TurnLoopTest, WhatNoBatchHoldsIsNotLookedUpOnTheThreadOfTheTurn) {
  run();
  core::Reported report;
  report.request = 1;
  for (int i = 0; i < 1000; ++i) report.ids.push_back(ids_.next(clock_.date()));
  store_->open();
  loop_->push(report);
  loop_->stop();
  EXPECT_EQ(batches(), (std::vector<std::size_t>{1}));
  EXPECT_EQ(store_->lookups(), 0);
}

// What waits behind a round that is full goes into the next, and no round takes all of it.
TEST_F(TurnLoopTest, LargeRequestsDoNotShareARound) {
  run();
  submit(1);
  store_->wait_for_commit(1);
  core::Submitted large{2, {}, false};
  for (std::size_t i = 0; i < turn::kMostOfARound - 1; ++i) {
    large.msgs.push_back({ids_.next(clock_.date()), 1, {}});
  }
  loop_->push(large);
  submit(3);
  submit(4);
  submit(5);
  store_->open();
  loop_->stop();
  EXPECT_EQ(batches(), (std::vector<std::size_t>{1, 2, 2}));
  EXPECT_EQ(store_->counts().queue, turn::kMostOfARound + 3);
}

TEST_F(TurnLoopTest, ACommitThatFailsLetsNothingGo) {
  run(1);
  store_->open();
  submit(1);
  const std::exception_ptr error = failed_.get_future().get();
  EXPECT_THROW(std::rethrow_exception(error), store::StoreError);
  submit(2);  // dropped
  loop_->stop();
  EXPECT_EQ(batches(), std::vector<std::size_t>{});
  EXPECT_EQ(store_->commits(), 1);
}

// As after a machine has slept.
TEST_F(TurnLoopTest, DatesFollowAWallClockThatIsSet) {
  run();
  store_->open();
  const core::Instant before = wall;
  wall = before + std::chrono::hours{8};
  submit(1);
  loop_->stop();
  const core::QueuedMsg msg = store_->queue(core::kDefaultQueue, {}, 1, SIZE_MAX).records.at(0);
  EXPECT_GE(msg.accepted_at, before + std::chrono::hours{8});
  EXPECT_LT(clock_.now(), before + std::chrono::hours{7});
  wall = before;
}

TEST_F(TurnLoopTest, AStopClosesARoundOfWhatWaits) {
  run();
  submit(1);
  store_->wait_for_commit(1);
  submit(2);
  auto stopped = std::async(std::launch::async, [this] { loop_->stop(); });
  store_->open();
  stopped.get();
  EXPECT_EQ(store_->counts().queue, 2U);
  submit(3);  // too late
  EXPECT_EQ(store_->counts().queue, 2U);
}

// A log that is durable later, by a thread of its own.
class TurnLoopOverALogTest : public testing::Test {
 protected:
  void run(std::size_t rounds_at_once) {
    core::Limits limits;
    limits.rounds_at_once = rounds_at_once;
    turn_.emplace(limits, store_, store_, std::nullopt, ids_, clock_.now());
    TurnLoop::Hooks hooks;
    hooks.on_released = [this](const std::vector<turn::Outgoing>& outgoing) {
      for (const turn::Outgoing& out : outgoing) {
        released_.at(std::get<core::SubmitReply>(out).request).set_value();
      }
    };
    hooks.on_failed = [](const std::exception_ptr&) {
      FAIL();
    };
    loop_.emplace(*turn_, clock_, std::move(hooks));
  }
  void submit(core::RequestId request) {
    loop_->push(core::Submitted{request, {{ids_.next(clock_.date()), 1, {}}}});
  }

  core::XidFactory ids_{{1, 2, 3}, 4};
  Clock clock_;
  turn::test::LateStore store_;
  std::array<std::promise<void>, 4> released_;
  std::optional<turn::Turn> turn_;
  std::optional<TurnLoop> loop_;
};

TEST_F(TurnLoopOverALogTest, WhatIsDurableLeavesThoughNothingElseHappens) {
  run(8);
  submit(1);
  store_.wait_for_append(1);
  store_.sync(1);
  released_[1].get_future().get();
}

TEST_F(TurnLoopOverALogTest, EventsWaitWhereTheLogIsBehindAndGoOnWithIt) {
  run(1);
  submit(1);
  store_.wait_for_append(1);
  submit(2);
  store_.sync(1);
  store_.wait_for_append(2);
  store_.sync(2);
  released_[2].get_future().get();
}

TEST_F(TurnLoopOverALogTest, AStopAnswersWhatIsOnItsWay) {
  run(8);
  submit(1);
  store_.wait_for_append(1);
  submit(2);
  store_.wait_for_append(2);
  EXPECT_FALSE(loop_->stop_within(std::chrono::milliseconds{1}));
  store_.sync(2);
  loop_->stop();
  released_[1].get_future().get();
  released_[2].get_future().get();
}

// The store is one on a disk, so that there is a time for which a round is held.
TEST(TurnLoop, AStopWhileARoundIsHeldLosesNothing) {
  core::XidFactory ids{{1, 2, 3}, 4};
  const Clock clock;
  for (int round = 0; round < 20; ++round) {
    const pena::test::TempFolder folder;
    const auto store = store::open_lmdb_store(folder / "store", 64U << 20U);
    turn::Turn turn{core::Limits{}, *store, *store, std::nullopt, ids, clock.now()};
    std::promise<std::vector<core::QueuedMsg>> granted;
    std::promise<void> held;
    TurnLoop::Hooks hooks;
    hooks.on_released = [&](const std::vector<turn::Outgoing>& outgoing) {
      for (const auto& out : outgoing) {
        const auto* const batch = std::get_if<core::SendBatch>(&out);
        if (batch != nullptr) granted.set_value(batch->batch->msgs);
      }
    };
    hooks.on_failed = [](const std::exception_ptr&) {
      FAIL();
    };
    hooks.on_hold = [&, told = false]() mutable {
      if (!std::exchange(told, true)) held.set_value();
    };
    TurnLoop loop{turn, clock, std::move(hooks)};
    loop.push(
        core::Submitted{1, {{ids.next(clock.date()), 1, {}}, {ids.next(clock.date()), 1, {}}}});
    loop.push(core::ClientJoined{ids.next(clock.date()), 2, true});
    const auto msgs = granted.get_future().get();
    loop.push(core::Reported{2, {}, {msgs.at(0).msg.id}, {}, {}, true});
    const bool is_held =
        held.get_future().wait_for(std::chrono::seconds{30}) == std::future_status::ready;
    ASSERT_TRUE(is_held);
    loop.push(core::Reported{3, {}, {msgs.at(1).msg.id}, {}, {}, true});
    loop.stop();
    for (const auto& msg : msgs) EXPECT_EQ(store->find(msg.msg.id), store::Bucket::report);
  }
}

}  // namespace
}  // namespace pena::server::test
