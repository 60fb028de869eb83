// Msgs that are tried again and forgotten, through the turn over a store: in steps, each whole.
#include <algorithm>
#include <functional>
#include <numeric>

#include "store/forwarding_store.hpp"
#include "turn_test.hpp"

namespace pena::turn::test {
namespace {

using What = core::BulkAsked::What;

class BulkTest : public TurnTest {
 protected:
  static constexpr std::uint16_t kMsgs = 2500;

  // As a run before this one left them.
  void SetUp() override {
    store::ChangeSet changes{core::PutQueueName{2, "mail", false}};
    for (std::uint16_t n = 1; n <= kMsgs; ++n) {
      core::FailRecord fail{{id_of(n), 1, "[7]"}, now_, now_, {a_miss(n)}, 1};
      fail.msg.queue = n % 2 == 0 ? 2 : 0;
      fail.msg.key = "k" + std::to_string(n);
      changes.emplace_back(core::PutKey{fail.msg.queue, fail.msg.key, id_of(n)});
      changes.emplace_back(core::PutFail{std::move(fail)});
    }
    store_->commit(changes);
    now_ += seconds{1};
    open();
  }
  [[nodiscard]] core::Miss a_miss(std::uint16_t n) const {
    return {id_of(9000),
            id_of(9001),
            now_,
            now_,
            core::MissReason::failed,
            n <= 100 ? "timeout of n" : "no luck"};
  }
  // All, but for what `that` says.
  static core::BulkAsked all(What what, const std::function<void(core::BulkAsked&)>& that = {}) {
    core::BulkAsked asked;
    asked.what = what;
    if (that) that(asked);
    return asked;
  }
  core::BulkReply ask(core::BulkAsked asked) {
    asked.request = ++requests_;
    const auto replies = of<core::BulkReply>(happen(std::move(asked)));
    EXPECT_EQ(replies.size(), 1U);
    return replies.at(0);
  }
};

TEST_F(BulkTest, AllIsTriedAgainInStepsAndKeepsItsStory) {
  const std::uint64_t before = turn_->appended();
  EXPECT_EQ(ask(all(What::retry)).done, kMsgs);
  EXPECT_EQ(turn_->appended() - before, 3U);
  EXPECT_EQ(store_->counts(), (store::BucketCounts{.queue = kMsgs}));
  const auto msg = store_->waiting(id_of(2)).value();
  EXPECT_EQ(msg.attempt(), 1);
  EXPECT_EQ(msg.misses.size(), 1U);
  EXPECT_EQ(msg.msg.payload, "[7]");
  EXPECT_EQ(turn_->dispatcher().waiting(), kMsgs);
}

TEST_F(BulkTest, ADryRunCountsAndChangesNothing) {
  const auto counts = store_->counts();
  EXPECT_EQ(ask(all(What::retry,
                    [&](auto& asked) {
                      asked.error = "timeout*";
                      asked.dry_run = true;
                    }))
                .done,
            100U);
  EXPECT_EQ(ask(all(What::retry,
                    [&](auto& asked) {
                      asked.error = "timeout";
                      asked.dry_run = true;
                    }))
                .done,
            0U);
  EXPECT_EQ(ask(all(What::forget_fails,
                    [&](auto& asked) {
                      asked.queue = "mail";
                      asked.dry_run = true;
                    }))
                .done,
            kMsgs / 2);
  EXPECT_EQ(ask(all(What::retry,
                    [&](auto& asked) {
                      asked.before = core::from_us(5);
                      asked.dry_run = true;
                    }))
                .done,
            0U);
  EXPECT_EQ(store_->counts(), counts);
}

TEST_F(BulkTest, IdsThatAreNotThereAreUnknown) {
  std::vector<Xid> ids;
  for (std::uint16_t n = kMsgs - 1200; n < kMsgs + 200; ++n) ids.push_back(id_of(n));
  std::ranges::sort(ids);
  const auto reply = ask(all(What::retry, [&](auto& asked) { asked.ids = ids; }));
  EXPECT_EQ(reply.done, 1201U);
  EXPECT_EQ(reply.unknown, 199U);
  EXPECT_EQ(ask(all(What::retry, [&](auto& asked) { asked.ids = std::vector<Xid>{}; })).done, 0U);
  EXPECT_EQ(store_->counts().fail, kMsgs - 1201U);
}

TEST_F(BulkTest, WhatIsForgottenIsKnownNoLongerNorIsItsKey) {
  EXPECT_EQ(ask(all(What::forget_fails)).done, kMsgs);
  EXPECT_EQ(store_->counts(), (store::BucketCounts{}));
  EXPECT_EQ(store_->find_key(0, "k1"), std::nullopt);
  Msg msg{id_of(1), 2, "[8]"};
  msg.key = "k1";
  const auto replies = of<core::SubmitReply>(happen(core::Submitted{++requests_, {msg}}));
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_TRUE(replies[0].known.empty());
}

TEST_F(BulkTest, ReportsAreForgottenLikewise) {
  (void)ask(all(What::forget_fails));
  (void)submit({1, 2});
  (void)join(100, 2);
  (void)report({id_of(1), id_of(2)});
  now_ += seconds{1};
  EXPECT_EQ(ask(all(What::forget_reports)).done, 2U);
  EXPECT_EQ(store_->counts(), (store::BucketCounts{}));
}

// Whoever asks again after a crash in the middle has the rest done.
TEST_F(BulkTest, WhatACrashLeftIsDoneWhenSomebodyAsksAgain) {
  turn_->take(all(What::retry), now_);
  turn_->close(now_);
  (void)turn_->durable(now_);
  open();
  const std::uint64_t left = store_->counts().fail;
  EXPECT_GT(left, 0U);
  EXPECT_LT(left, kMsgs);
  EXPECT_EQ(ask(all(What::retry)).done, left);
  EXPECT_EQ(store_->counts(), (store::BucketCounts{.queue = kMsgs}));
}

TEST_F(BulkTest, WhatWaitsIsForgottenInStepsWithItsKeysAndWhatIsHeldIsLeft) {
  (void)ask(all(What::retry));
  core::Submitted later{++requests_, {}};
  later.queues = {"mail"};
  for (std::uint16_t n = 3001; n <= 4200; ++n) {
    later.msgs.push_back({id_of(n), 1, {}});
    later.later.push_back({id_of(n), now_ + seconds{n}});
  }
  (void)happen(std::move(later));
  (void)join(100, 5);
  now_ += seconds{1};
  const auto of_mail = [](auto& asked) {
    asked.queue = "mail";
  };
  const std::uint64_t mail = kMsgs / 2 + 1200;
  const std::uint64_t before = turn_->appended();
  EXPECT_EQ(ask(all(What::forget_waiting, of_mail)).done, mail);
  EXPECT_GE(turn_->appended() - before, 3U);
  EXPECT_EQ(store_->counts(), (store::BucketCounts{.queue = kMsgs / 2 - 5, .batch = 5}));
  EXPECT_EQ(store_->find_key(2, "k2"), std::nullopt);
  const auto reply = ask(all(What::forget_waiting, [](auto& asked) {
    asked.ids = {id_of(1), id_of(2), id_of(kMsgs - 1)};
  }));
  EXPECT_EQ(reply.done, 1U);  // the first is held
  EXPECT_EQ(reply.unknown, 2U);
  const std::uint64_t before_the_rest = turn_->appended();
  EXPECT_EQ(ask(all(What::forget_waiting)).done, kMsgs / 2 - 6);
  // That nothing is left for later makes no step of its own.
  EXPECT_EQ(turn_->appended() - before_the_rest, 2U);
  EXPECT_EQ(store_->counts(), (store::BucketCounts{.batch = 5}));
  EXPECT_EQ(turn_->dispatcher().waiting(), 0U);
}

// What was accepted while it runs is left alone.
TEST_F(BulkTest, WhatIsAcceptedBehindADeletionWaits) {
  (void)ask(all(What::retry));
  now_ += seconds{1};
  turn_->take(all(What::forget_waiting), now_);
  turn_->close(now_);
  (void)submit({5000});
  EXPECT_EQ(store_->counts(), (store::BucketCounts{.queue = 1}));
}

// Dates stand still while a clock that was set back catches up, so they do not say what came later.
TEST_F(BulkTest, WhatFailsAgainMeanwhileIsLeftAloneThoughTheClockStandsStill) {
  (void)happen(core::ClockRead{-seconds{3600}});
  (void)join(100, 500);
  turn_->take(all(What::retry), now_);
  turn_->take(all(What::retry), now_);  // finds nothing left
  turn_->close(now_);
  const auto sent = of<core::SendBatch>(turn_->durable(now_));
  ASSERT_EQ(sent.size(), 1U);
  core::Reported report;
  for (const auto& msg : sent[0].batch->msgs) {
    report.failed.push_back({msg.msg.id, "", {}, true});
  }
  ASSERT_EQ(report.failed.size(), 500U);
  const auto replies = of<core::BulkReply>(happen(std::move(report)));
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_EQ(replies[0].done, kMsgs);
  EXPECT_EQ(replies[1].done, 0U);
  EXPECT_EQ(ask(all(What::forget_fails)).done, 500U);
}

// The store is as full as it may be with what has ended, and takes work all the same.
class FullStore : public store::ForwardingStore {
 public:
  FullStore() : ForwardingStore(store::make_memory_store()) {}
  [[nodiscard]] double fill() const override {
    return other_fill + static_cast<double>(counts().report) / 1000;
  }
  [[nodiscard]] bool disk_is_low() const override { return disk_low; }
  [[nodiscard]] core::Room room() const override { return left; }

  double other_fill = 0;
  bool disk_low = false;
  core::Room left = core::Room::endless();
};

class RetentionTest : public TurnTest {
 protected:
  FullStore& fill_up() {
    auto full = std::make_unique<FullStore>();
    FullStore& is = *full;
    store_ = std::move(full);
    return is;
  }
  void report_some(std::uint16_t first, std::uint16_t count) {
    for (std::uint16_t n = 0; n < count; n += 100) {
      std::vector<std::uint16_t> numbers;
      std::vector<Xid> ids;
      for (std::uint16_t i = 0; i < 100; ++i) {
        numbers.push_back(static_cast<std::uint16_t>(first + n + i));
        ids.push_back(id_of(numbers.back()));
      }
      const auto replies = of<core::SubmitReply>(submit(numbers));
      ASSERT_EQ(replies.size(), 1U);
      ASSERT_FALSE(replies[0].refused);
      (void)report(ids);
    }
  }
};

TEST_F(RetentionTest, ReportsMakeRoomBeforeAnythingIsRefused) {
  (void)fill_up();
  open();
  (void)join(100, 100);
  report_some(1, 5000);
  // No more of them went than had to.
  EXPECT_LT(store_->counts().report, 800U);
  EXPECT_GE(store_->counts().report, 800U - 64);
  EXPECT_TRUE(turn_->accepting());
  EXPECT_FALSE(turn_->dispatcher().makes_room());
  const core::Counts counts = turn_->dispatcher().counts();
  EXPECT_EQ(counts.room_reports + store_->counts().report, 5000U);
  EXPECT_NE(turn_->warning(now_).value_or("").find("oldest reports make room"), std::string::npos);
  EXPECT_EQ(turn_->warning(now_), std::nullopt);
}

// They cannot help there, or not for long.
TEST_F(RetentionTest, NoReportMakesRoomForWhatIsHeldNorWhereOthersFillTheDisk) {
  FullStore& store = fill_up();
  open();
  (void)join(100, 100);
  report_some(1, 300);
  (void)join(101, 1000);
  std::vector<std::uint16_t> numbers(1000);
  std::iota(numbers.begin(), numbers.end(), static_cast<std::uint16_t>(2000));
  // With what is kept for a thousand msgs there would not be any left.
  store.left = {9000, 4000};
  (void)submit(numbers);
  for (std::uint16_t n = 3000; n < 3010; ++n) (void)submit({n});
  EXPECT_GT(turn_->dispatcher().counts().held, 0U);
  EXPECT_EQ(turn_->dispatcher().counts().room_reports, 0U);
  store.left = core::Room::endless();
  store.disk_low = true;
  store.other_fill = 2;
  now_ += seconds{2};
  (void)run_rounds(*turn_, now_);
  (void)submit({3010});
  EXPECT_EQ(turn_->full(), Full::disk);
  EXPECT_EQ(turn_->dispatcher().counts().room_reports, 0U);
  EXPECT_EQ(store_->counts().report, 300U);
}

TEST_F(RetentionTest, AFewReportsLetNobodyFillTheStoreBeyondItsLimit) {
  FullStore& store = fill_up();
  open();
  (void)join(100, 100);
  report_some(1, 300);
  store.other_fill = 0.84;
  now_ += seconds{2};
  (void)submit({1000});
  EXPECT_EQ(turn_->full(), Full::store);
}

TEST_F(RetentionTest, SoManyReportsAreKeptAlsoAfterARestart) {
  open();
  (void)join(100, 100);
  report_some(1, 3000);
  limits_.keep_reports.msgs = 500;
  open();
  (void)run_rounds(*turn_, now_);
  EXPECT_EQ(store_->counts().report, 500U);
  EXPECT_EQ(turn_->dispatcher().counts().swept_reports, 2500U);
  const auto left = store_->reports_since(0, 1000);
  EXPECT_EQ(left.records.front().id, id_of(2501));
}

TEST_F(RetentionTest, FailsAreKeptForATime) {
  limits_.keep_fails.time = seconds{60};
  limits_.max_resends = 0;
  open();
  (void)join(100, 1);
  (void)submit({1});
  core::Reported failed;
  failed.failed = {{id_of(1), "no luck"}};
  (void)happen(failed);
  EXPECT_EQ(store_->counts().fail, 1U);
  EXPECT_EQ(turn_->next_close(now_), now_ + seconds{60});
  now_ += seconds{60};
  (void)run_rounds(*turn_, now_);
  EXPECT_EQ(store_->counts().fail, 0U);
  EXPECT_EQ(turn_->dispatcher().counts().swept_fails, 1U);
}

TEST_F(RetentionTest, APauseOutlivesARestart) {
  open();
  (void)join(100, 1);
  EXPECT_EQ(of<core::PauseReply>(happen(core::PauseAsked{++requests_, "default", true})).size(),
            1U);
  (void)submit({1});
  EXPECT_EQ(store_->counts().queue, 1U);
  open();
  (void)join(101, 1);
  EXPECT_EQ(store_->counts().queue, 1U);
  const auto out = happen(core::PauseAsked{++requests_, "default", false});
  EXPECT_EQ(of<core::SendBatch>(out).size(), 1U);
}

}  // namespace
}  // namespace pena::turn::test
