// Rounds on their way to the disk, step by step: what leaves when, and what the next ones see of them.
#include <algorithm>

#include "turn/late_store.hpp"
#include "turn_test.hpp"

namespace pena::turn::test {
namespace {

class RoundsTest : public TurnTest {
 protected:
  RoundsTest() {
    auto late = std::make_unique<LateStore>();
    late_ = late.get();
    store_ = std::move(late);
  }
  // Each in a round of its own.
  void close_with(core::Event event) {
    turn_->take(std::move(event), now_);
    turn_->close(now_);
  }
  void submit_in_a_round(std::vector<std::uint16_t> numbers) {
    core::Submitted submitted{++requests_, {}};
    for (const std::uint16_t number : numbers) submitted.msgs.push_back({id_of(number), 1, {}});
    close_with(std::move(submitted));
  }
  void report_in_a_round(std::vector<Xid> ids) {
    core::Reported reported;
    reported.request = ++requests_;
    reported.ids = std::move(ids);
    close_with(std::move(reported));
  }
  // All that is on its way is there.
  std::vector<Outgoing> settle() {
    late_->sync(late_->appended());
    late_->apply(late_->appended());
    return turn_->durable(now_);
  }
  static std::vector<core::RequestId> answered(const std::vector<Outgoing>& outgoing) {
    std::vector<core::RequestId> requests;
    for (const auto& reply : of<core::SubmitReply>(outgoing)) requests.push_back(reply.request);
    return requests;
  }

  LateStore* late_ = nullptr;
};

using Requests = std::vector<core::RequestId>;

TEST_F(RoundsTest, WhatLeavesLeavesWithItsRoundAndInOrder) {
  open();
  submit_in_a_round({1});
  submit_in_a_round({2});
  submit_in_a_round({3});
  EXPECT_TRUE(turn_->durable(now_).empty());
  EXPECT_EQ(turn_->on_their_way(), 3U);
  late_->sync(1);
  EXPECT_EQ(answered(turn_->durable(now_)), (Requests{1}));
  EXPECT_TRUE(turn_->durable(now_).empty());
  late_->sync(3);
  EXPECT_EQ(answered(turn_->durable(now_)), (Requests{2, 3}));
  EXPECT_EQ(turn_->on_their_way(), 0U);
}

// It has nothing to wait for but the order.
TEST_F(RoundsTest, ARoundThatWritesNothingLeavesBehindTheOneBeforeIt) {
  open();
  submit_in_a_round({1});
  report_in_a_round({id_of(77)});
  EXPECT_TRUE(turn_->durable(now_).empty());
  late_->sync(1);
  const auto left = turn_->durable(now_);
  ASSERT_EQ(left.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<core::SubmitReply>(left[0]));
  EXPECT_TRUE(std::holds_alternative<core::ReportReply>(left[1]));
}

TEST_F(RoundsTest, SoManyAreOnTheirWayAndNoMore) {
  limits_.rounds_at_once = 2;
  open();
  submit_in_a_round({1});
  EXPECT_FALSE(turn_->is_blocked());
  submit_in_a_round({2});
  EXPECT_TRUE(turn_->is_blocked());
  EXPECT_FALSE(turn_->next_close(now_));
  EXPECT_FALSE(turn_->close_if_due(now_));
  late_->sync(1);
  (void)turn_->durable(now_);
  EXPECT_FALSE(turn_->is_blocked());
}

TEST_F(RoundsTest, AnIdOnItsWayIsKnown) {
  limits_.window_msgs = 1;  // the others are in no memory
  open();
  submit_in_a_round({1, 2, 3});
  submit_in_a_round({2, 3, 4});
  EXPECT_EQ(answered(settle()), (Requests{1, 2}));
  EXPECT_EQ(store_->counts().queue, 4U);
}

TEST_F(RoundsTest, WhatIsOnItsWayIntoTheQueueIsGrantedInItsOrder) {
  limits_.window_msgs = 3;
  open();
  submit_in_a_round({5, 6, 7, 8});
  submit_in_a_round({1, 2});
  close_with(core::ClientJoined{id_of(100), 3, false});
  close_with(core::ClientJoined{id_of(101), 3, false});
  std::vector<Xid> sent;
  for (int round = 0; round < 5; ++round) {
    turn_->close(now_);
    late_->sync(late_->appended());  // but nothing of it is in the index
    for (const auto& send : of<core::SendBatch>(turn_->durable(now_))) {
      for (const core::QueuedMsg& msg : send.batch->msgs) sent.push_back(msg.msg.id);
    }
  }
  EXPECT_EQ(sent, (std::vector<Xid>{id_of(1), id_of(2), id_of(5), id_of(6), id_of(7), id_of(8)}));
  (void)settle();
  EXPECT_EQ(store_->counts(),
            (store::BucketCounts{.queue = 0, .batch = 6, .report = 0, .fail = 0}));
}

// Whoever looks up has a view of all that is durable.
TEST_F(RoundsTest, AReportOfWhatIsNotInTheIndexYetIsADuplicate) {
  open();
  submit_in_a_round({1});
  close_with(core::ClientJoined{id_of(100), 1, false});
  (void)settle();
  report_in_a_round({id_of(1)});
  report_in_a_round({id_of(1)});
  late_->sync(late_->appended());
  const auto replies = of<core::ReportReply>(turn_->durable(now_));
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_EQ(replies[0].reported, 1U);
  ASSERT_EQ(replies[1].elsewhere.size(), 1U);
  late_->apply(late_->appended());
  (void)late_->durable();
  const SettledReply again = std::get<SettledReply>(settled(replies[1], *store_));
  EXPECT_EQ(again.duplicate, 1U);
  EXPECT_EQ(again.unknown, 0U);
}

TEST_F(RoundsTest, ABatchThatIsSettledMeanwhileIsNotSent) {
  open();
  submit_in_a_round({1});
  close_with(core::ClientJoined{id_of(100), 1, false});
  report_in_a_round({id_of(1)});
  const auto left = settle();
  EXPECT_TRUE(of<core::SendBatch>(left).empty());
  EXPECT_EQ(of<core::ReportReply>(left).at(0).reported, 1U);
  EXPECT_EQ(store_->counts(),
            (store::BucketCounts{.queue = 0, .batch = 0, .report = 1, .fail = 0}));
}

// A start reads the ids of what was missed, and the bodies when somebody is to have them.
TEST_F(TurnTest, WhatIsToBeSentAgainDoesNotWaitForAnEndOfWhatIsSubmitted) {
  limits_.read_writes = 2;
  for (std::uint16_t number = 1; number <= 4; ++number) {
    store_->commit({core::PutQueue{queued(number)}});  // missed before
  }
  open();
  turn_->take(core::ClientJoined{id_of(100), 2, false}, now_);
  std::vector<core::SendBatch> sent;
  std::uint16_t number = 10;
  for (int round = 0; round < 4 && sent.empty(); ++round) {
    core::Submitted submitted{++requests_, {}};
    for (int i = 0; i < 3; ++i) submitted.msgs.push_back({id_of(number++), 1, {}});
    turn_->take(std::move(submitted), now_);
    turn_->close(now_);
    sent = of<core::SendBatch>(turn_->durable(now_));
  }
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].batch->msgs.at(0).msg.id, id_of(1));
}

// Of all that wait, each client's batch is read on its own.
TEST_F(TurnTest, ARoundReadsForSoManyClientsAndNoMore) {
  limits_.read_writes = 4;
  for (std::uint16_t number = 1; number <= 30; ++number) {
    store_->commit({core::PutQueue{queued(number)}});  // missed before
  }
  open();
  (void)run_rounds(*turn_, now_);  // the ids are read
  for (std::uint16_t client = 0; client < 10; ++client) {
    turn_->take(core::ClientJoined{id_of(static_cast<std::uint16_t>(100 + client)), 3, false},
                now_);
  }
  turn_->close(now_);
  // A batch of three is three writes out of the queue and one of its own.
  EXPECT_EQ(of<core::SendBatch>(turn_->durable(now_)).size(), 1U);
  EXPECT_EQ(of<core::SendBatch>(run_rounds(*turn_, now_)).size(), 9U);
}

}  // namespace
}  // namespace pena::turn::test
