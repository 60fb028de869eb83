// Msgs that have ended, tried again and forgotten, through the turn over a store: in steps, each whole.
#include <algorithm>
#include <functional>

#include "turn_test.hpp"

namespace pena::turn::test {
namespace {

using What = core::EndedAsked::What;

class EndedTest : public TurnTest {
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
  static core::EndedAsked all(What what, const std::function<void(core::EndedAsked&)>& that = {}) {
    core::EndedAsked asked;
    asked.what = what;
    if (that) that(asked);
    return asked;
  }
  core::EndedReply ask(core::EndedAsked asked) {
    asked.request = ++requests_;
    const auto replies = of<core::EndedReply>(happen(std::move(asked)));
    EXPECT_EQ(replies.size(), 1U);
    return replies.at(0);
  }
};

TEST_F(EndedTest, AllIsTriedAgainInStepsAndKeepsItsStory) {
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

TEST_F(EndedTest, ADryRunCountsAndChangesNothing) {
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

TEST_F(EndedTest, IdsThatAreNotThereAreUnknown) {
  std::vector<Xid> ids;
  for (std::uint16_t n = kMsgs - 1200; n < kMsgs + 200; ++n) ids.push_back(id_of(n));
  std::ranges::sort(ids);
  const auto reply = ask(all(What::retry, [&](auto& asked) { asked.ids = ids; }));
  EXPECT_EQ(reply.done, 1201U);
  EXPECT_EQ(reply.unknown, 199U);
  EXPECT_EQ(ask(all(What::retry, [&](auto& asked) { asked.ids = std::vector<Xid>{}; })).done, 0U);
  EXPECT_EQ(store_->counts().fail, kMsgs - 1201U);
}

TEST_F(EndedTest, WhatIsForgottenIsKnownNoLongerNorIsItsKey) {
  EXPECT_EQ(ask(all(What::forget_fails)).done, kMsgs);
  EXPECT_EQ(store_->counts(), (store::BucketCounts{}));
  EXPECT_EQ(store_->find_key(0, "k1"), std::nullopt);
  Msg msg{id_of(1), 2, "[8]"};
  msg.key = "k1";
  const auto replies = of<core::SubmitReply>(happen(core::Submitted{++requests_, {msg}}));
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_TRUE(replies[0].known.empty());
}

TEST_F(EndedTest, ReportsAreForgottenLikewise) {
  (void)ask(all(What::forget_fails));
  (void)submit({1, 2});
  (void)join(100, 2);
  (void)report({id_of(1), id_of(2)});
  now_ += seconds{1};
  EXPECT_EQ(ask(all(What::forget_reports)).done, 2U);
  EXPECT_EQ(store_->counts(), (store::BucketCounts{}));
}

// Whoever asks again after a crash in the middle has the rest done.
TEST_F(EndedTest, WhatACrashLeftIsDoneWhenSomebodyAsksAgain) {
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

}  // namespace
}  // namespace pena::turn::test
