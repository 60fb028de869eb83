// What becomes of msgs whose batch is lost, and of those that come again (docs/worker-machine.md, "A msg").
#include "worker_test.hpp"

namespace pena::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::id_of;

class WorkerLostTest : public test::WorkerTest {
 protected:
  // Its first stream; the next is there where a slot is idle.
  void lose_and_reopen() {
    (void)next<OpenWorkerStream>(tell(1, StreamClosed{}));
    (void)open();
  }
};

// ---- what is lost

TEST_F(WorkerLostTest, WithAStreamItsBatchIsLostAndWhatItBringsIsReportedAllTheSame) {
  two_run();
  const Actions lost = tell(1, StreamClosed{});
  EXPECT_EQ(of<CancelRun>(lost).size(), 2U);
  EXPECT_EQ(of<CancelRun>(lost)[0].reason, CancelReason::lost);
  EXPECT_EQ(logic_->counts().lost, 1U);
  EXPECT_EQ(only<PostReport>(end(1)).report.ids, std::vector<Xid>{id_of(1)});
  (void)answer(200);
  EXPECT_EQ(only<PostReport>(end(2, RunGivenBack{})).report.refused, std::vector<Xid>{id_of(2)});
  (void)answer(200);
  EXPECT_EQ(logic_->counts().reported, 2U);
}

TEST_F(WorkerLostTest, WhatComesOfABatchThatIsLostIsGivenBack) {
  (void)start(2);
  (void)open();
  (void)grant(1, batch_id(1), 2);
  (void)bring(1, batch_id(1), 1);
  (void)pass_alive(timing_.lease / 3 + seconds{1});
  (void)answer(409);
  const Actions late = bring(1, batch_id(1), 2);
  EXPECT_TRUE(of<BeginRun>(late).empty());
  EXPECT_EQ(only<PostReport>(late).report.refused, std::vector<Xid>{id_of(2)});
}

TEST_F(WorkerLostTest, WhileMoreOfALostBatchIsToComeNoReportIsTheStreamsLast) {
  (void)start(3);
  (void)open();
  (void)grant(1, batch_id(1), 3);
  (void)bring(1, batch_id(1), 1);
  (void)pass_alive(timing_.lease / 3 + seconds{1});
  (void)answer(409);
  (void)happen(WorkerStopAsked{});
  EXPECT_FALSE(only<PostReport>(bring(1, batch_id(1), 2)).report.last);
  (void)bring(1, batch_id(1), 3);
  (void)end(1);
  EXPECT_TRUE(only<PostReport>(answer(200)).report.last);
}

// Of those, too, each has its slot: they come in any case.
TEST_F(WorkerLostTest, WhatIsToComeOfALostBatchIsNotAskedForAgain) {
  (void)start(3);
  (void)open();
  (void)grant(1, batch_id(1), 3);
  (void)bring(1, batch_id(1), 1);
  (void)pass_alive(timing_.lease / 3 + seconds{1});
  (void)answer(409);
  EXPECT_TRUE(of<OpenWorkerStream>(pass_alive(seconds{2})).empty());
}

TEST_F(WorkerLostTest, WhatComesOfABatchThatIsOverIsAMsgAllTheSame) {
  (void)start(2);
  (void)open();
  (void)grant(1, batch_id(1), 2);
  (void)bring(1, batch_id(1), 1);
  (void)end(1);
  (void)answer(409);  // all that has come of it is settled
  (void)bring(1, batch_id(1), 2);
  EXPECT_EQ(logic_->counts().ignored, 0U);
  EXPECT_EQ(logic_->counts().given_back, 1U);
}

TEST_F(WorkerLostTest, WhatFinishesBehindA409IsTooLate) {
  two_run();
  (void)end(1);
  const Actions over = answer(409);
  EXPECT_EQ(lines(over), std::vector<std::string>{
                             "1 msg finished too late: the batch was over, so it is sent again, "
                             "or somebody else has done it"});
  EXPECT_EQ(only<CancelRun>(over).run, run_of(2));
  const Actions ended = end(2);
  EXPECT_EQ(lines(ended).size(), 1U);
  EXPECT_TRUE(of<PostReport>(ended).empty());
  EXPECT_EQ(logic_->counts().too_late, 2U);
  EXPECT_EQ(logic_->counts().reported, 0U);
}

// The server may take a report in the last moment of a lease, whose end here is reckoned from when it was sent.
TEST_F(WorkerLostTest, AnAnswerThatComesBehindTheEndOfALeaseKeepsItAllTheSame) {
  two_run();
  const Instant lost_at = now_ + timing_.client_stop();
  // The keep is refused then, so that the next is sent just before the end.
  (void)pass_alive(timing_.lease / 3);
  (void)pass_alive(lost_at - milliseconds{50} - timing_.lease / 3 - now_);
  (void)answer(403);
  const auto keep = only<PostReport>(pass_alive(lost_at - milliseconds{30} - now_));
  const Instant sent_at = now_ - milliseconds{10};
  EXPECT_EQ(of<CancelRun>(pass(lost_at - now_)).size(), 2U);
  EXPECT_EQ(of<KeepRun>(happen(PostTried{keep.number, sent_at, 200, server_ms(), {}, ""})).size(),
            2U);
  EXPECT_FALSE(of<PostReport>(pass_alive(timing_.lease / 3)).empty());
  (void)answer(200);
  EXPECT_EQ(only<PostReport>(end(1)).report.ids, std::vector<Xid>{id_of(1)});
}

// ---- what comes again

TEST_F(WorkerLostTest, AMsgThatComesAgainWhileItRunsGoesOnUnderItsNewBatch) {
  (void)start(3);
  (void)open();
  (void)batch(1, 1, {1, 2});
  lose_and_reopen();
  const Actions again = batch(stream_, 2, {1});
  EXPECT_TRUE(of<BeginRun>(again).empty());
  EXPECT_EQ(only<KeepRun>(again).run, run_of(1));
  EXPECT_EQ(only<PostReport>(end(1)).report.batch, batch_id(2));
  // The other is still of the batch that is lost.
  EXPECT_EQ(only<PostReport>(end(2)).report.batch, batch_id(1));
  EXPECT_EQ(logic_->counts().begun, 2U);
}

TEST_F(WorkerLostTest, ARunThatWasHandedOverIsCancelledAgainWithItsNewBatch) {
  (void)start(3);
  (void)open();
  (void)batch(1, 1, {1});
  lose_and_reopen();
  (void)batch(stream_, 2, {1});
  EXPECT_EQ(only<CancelRun>(tell(stream_, StreamClosed{})).run, run_of(1));
}

TEST_F(WorkerLostTest, WhatHasFinishedAndWasNotReportedIsReportedUnderTheNewBatch) {
  two_run();
  (void)end(1);
  (void)answer(503, seconds{20});
  lose_and_reopen();
  const Actions again = batch(stream_, 2, {1});
  EXPECT_TRUE(of<BeginRun>(again).empty());
  const auto report = only<PostReport>(again).report;
  EXPECT_EQ(report.batch, batch_id(2));
  EXPECT_EQ(report.ids, std::vector<Xid>{id_of(1)});
  (void)answer(200);
  // Nothing of it is left with the old one.
  (void)pass(seconds{25});
  EXPECT_EQ(logic_->counts().reported, 1U);
}

TEST_F(WorkerLostTest, WhatIsUnderWayIsReportedUnderTheNewBatchToo) {
  two_run();
  (void)end(1);
  const std::uint64_t under_way = post_;
  lose_and_reopen();
  EXPECT_EQ(only<PostReport>(batch(stream_, 2, {1})).report.ids, std::vector<Xid>{id_of(1)});
  // The old batch was over; nothing is too late, for the report of the new one has it.
  EXPECT_TRUE(lines(answer(under_way, 409)).empty());
  EXPECT_EQ(logic_->counts().too_late, 0U);
}

TEST_F(WorkerLostTest, WhatWasGivenBackIsBegunWhenItComesAgain) {
  two_run();
  (void)end(1, RunGivenBack{});
  (void)answer(503, seconds{20});
  lose_and_reopen();
  const Actions again = batch(stream_, 2, {1});
  EXPECT_EQ(only<BeginRun>(again).msg, id_of(1));
  EXPECT_TRUE(of<PostReport>(again).empty());
}

// It may have come for that very report, whose answer is on its way; so it has another attempt.
TEST_F(WorkerLostTest, WhatFailedIsBegunWhenItComesAgain) {
  (void)start(1);
  (void)open();
  (void)batch(1, 1, {1});
  (void)end(1, RunFailed{"no"});
  const std::uint64_t under_way = post_;
  const Actions again = batch(1, 2, {1});
  EXPECT_EQ(only<BeginRun>(again).msg, id_of(1));
  EXPECT_TRUE(of<PostReport>(again).empty());
  (void)answer(under_way, 200);
  EXPECT_EQ(logic_->counts().reported, 1U);
  EXPECT_EQ(only<PostReport>(end(1)).report.batch, batch_id(2));
}

TEST_F(WorkerLostTest, WhatIsGivenBackIsNeverTooLate) {
  two_run();
  (void)end(1, RunGivenBack{});
  EXPECT_TRUE(lines(answer(409)).empty());
  EXPECT_EQ(logic_->counts().too_late, 0U);
}

TEST_F(WorkerLostTest, WhatWasTooLateIsBegunWhenItComesAgain) {
  two_run();
  (void)end(1);
  (void)answer(409);
  lose_and_reopen();
  EXPECT_EQ(only<BeginRun>(batch(stream_, 2, {1})).msg, id_of(1));
}

}  // namespace
}  // namespace pena::core
