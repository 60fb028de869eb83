// What a worker holds and runs: leases, and the time of a run (docs/worker-machine.md, "A msg").
#include "worker_test.hpp"

namespace pena::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::id_of;

class WorkerLogicTest : public test::WorkerTest {
 protected:
  // Of two slots.
  void start_with_run_time(Duration time) {
    WorkerRules rules;
    rules.slots = 2;
    rules.run_time = time;
    (void)start(rules);
    (void)open();
  }
};

TEST_F(WorkerLogicTest, EachMsgIsBegunAtOnceWithItsData) {
  (void)start(2);
  (void)open();
  (void)grant(1, batch_id(1), 2);
  const auto first = only<BeginRun>(tell(1, MsgArrived{id_of(1), 5, batch_id(1), R"({"id":"1"})"}));
  EXPECT_EQ(first.msg, id_of(1));
  EXPECT_EQ(first.data, R"({"id":"1"})");
  EXPECT_NE(only<BeginRun>(bring(1, batch_id(1), 2)).run, first.run);
  EXPECT_EQ(logic_->counts().running, 2U);
  EXPECT_EQ(logic_->counts().received, 2U);
  EXPECT_EQ(logic_->counts().begun, 2U);
}

TEST_F(WorkerLogicTest, RunsAreCountedByTheirEnd) {
  (void)start(3);
  (void)open();
  (void)batch(1, 1, {1, 2, 3});
  (void)end(1);
  (void)end(2, RunFailed{"no"});
  (void)end(3, RunGivenBack{});
  EXPECT_EQ(logic_->counts().done, 1U);
  EXPECT_EQ(logic_->counts().failed, 1U);
  EXPECT_EQ(logic_->counts().given_back, 1U);
  EXPECT_EQ(logic_->counts().running, 0U);
  EXPECT_TRUE(happen(RunEnded{run_of(1), RunDone{}}).empty());  // once
  EXPECT_EQ(logic_->counts().done, 1U);
}

TEST_F(WorkerLogicTest, WhatIsNoMsgIsSaidOnceAndGivenUpWithTheLastOfItsBatch) {
  (void)start(3);
  (void)open();
  (void)grant(1, batch_id(1), 3);
  (void)bring(1, batch_id(1), 1);
  const Actions strange = tell(1, StrangeArrived{"what\nis this", batch_id(1)});
  EXPECT_EQ(lines(strange).size(), 1U);
  EXPECT_TRUE(lines(tell(1, StrangeArrived{"more of it", batch_id(1)})).empty());
  const auto report = only<PostReport>(end(1)).report;
  EXPECT_FALSE(report.partial);  // so the server hears that those were not worked on
  EXPECT_EQ(report.ids, std::vector<Xid>{id_of(1)});
  EXPECT_EQ(logic_->counts().ignored, 2U);
  (void)answer(200);
  EXPECT_TRUE(of<PostReport>(pass_alive(timing_.lease)).empty());
}

TEST_F(WorkerLogicTest, ABatchOfNoMsgAtAllIsGivenUpAndAgainWhereThatFails) {
  promises_lease_ = false;
  (void)start(1);
  (void)open();
  (void)grant(1, batch_id(1), 1);
  const auto report = only<PostReport>(tell(1, StrangeArrived{"?", batch_id(1)})).report;
  EXPECT_FALSE(report.partial);
  EXPECT_TRUE(report.ids.empty());
  (void)answer(503);
  const auto [again, waited] = next<PostReport>();
  EXPECT_FALSE(again.report.partial);
  EXPECT_LE(waited, milliseconds{100});
  EXPECT_TRUE(of<PostReport>(answer(200)).empty());
}

// ---- the lease

TEST_F(WorkerLogicTest, ALeaseIsKeptByAPartialReportEachThird) {
  two_run();
  const Actions passed = pass_alive(timing_.lease / 3 + seconds{1});
  const auto report = only<PostReport>(passed).report;
  EXPECT_EQ(report.batch, batch_id(1));
  EXPECT_TRUE(report.partial);
  EXPECT_FALSE(report.last);
  EXPECT_TRUE(report.ids.empty() && report.failed.empty() && report.refused.empty());
  (void)answer(200);
  EXPECT_EQ(of<PostReport>(pass_alive(timing_.lease / 3 - seconds{1})).size(), 0U);
  EXPECT_EQ(of<PostReport>(pass_alive(seconds{2})).size(), 1U);
}

TEST_F(WorkerLogicTest, AWorkOfManyLeasesIsNeverLost) {
  two_run();
  Actions all;
  for (int third = 0; third < 30; ++third) {
    const Actions passed = pass_alive(timing_.lease / 3 + seconds{1});
    if (!of<PostReport>(passed).empty()) add(all, answer(200));
    add(all, passed);
  }
  EXPECT_TRUE(of<CancelRun>(all).empty());
  EXPECT_EQ(logic_->counts().lost, 0U);
}

TEST_F(WorkerLogicTest, AReportOfOneMsgKeepsTheLeaseOfTheOthers) {
  two_run();
  (void)pass_alive(timing_.lease / 3 - seconds{1});
  (void)end(1);
  (void)answer(200);
  EXPECT_TRUE(of<PostReport>(pass_alive(timing_.lease / 3 - seconds{2})).empty());
}

TEST_F(WorkerLogicTest, NoKeepLeavesWhileAReportIsUnderWay) {
  two_run();
  (void)pass_alive(timing_.lease / 3 - seconds{2});
  (void)end(1);
  EXPECT_TRUE(of<PostReport>(pass_alive(seconds{4})).empty());
  EXPECT_EQ(next<PostReport>(answer(503)).first.report.ids, std::vector<Xid>{id_of(1)});
}

TEST_F(WorkerLogicTest, AKeepThatFailsIsMadeUpForByTheNext) {
  two_run();
  (void)pass_alive(timing_.lease / 3 + seconds{1});
  (void)answer(503);
  EXPECT_LE(next<PostReport>().second, milliseconds{100});
}

TEST_F(WorkerLogicTest, AKeepThatIsRefusedIsTriedAThirdOfALeaseLater) {
  two_run();
  (void)pass_alive(timing_.lease / 3 + seconds{1});
  const Actions refused = answer(403);
  EXPECT_TRUE(of<PostReport>(refused).empty());
  EXPECT_EQ(lines(refused),
            std::vector<std::string>{"the server refused to keep a batch: 403: no"});
  EXPECT_TRUE(of<PostReport>(pass_alive(timing_.lease / 3 - seconds{1})).empty());
  EXPECT_EQ(of<PostReport>(pass_alive(seconds{1})).size(), 1U);
}

TEST_F(WorkerLogicTest, ALeaseThatCannotBeKeptIsLostBeforeItsEnd) {
  two_run();
  const Instant granted_at = now_;
  Actions passed;
  while (of<CancelRun>(passed).empty() && now_ < granted_at + timing_.lease * 2) {
    add(passed, pass_alive(milliseconds{100}));
  }
  // No answer came to any of its keeps.
  EXPECT_EQ(of<CancelRun>(passed).size(), 2U);
  EXPECT_EQ(of<CancelRun>(passed)[0].reason, CancelReason::lost);
  EXPECT_LE(now_, granted_at + timing_.client_stop() + milliseconds{100});
  EXPECT_GE(now_, granted_at + timing_.client_stop() - milliseconds{100});
  EXPECT_EQ(logic_->counts().lost, 1U);
  // It is kept no more.
  const std::uint64_t last = post_;
  (void)pass_alive(timing_.lease);
  EXPECT_EQ(post_, last);
}

TEST_F(WorkerLogicTest, AnAnswerThatIsLateDoesNotTakeALostBatchForKept) {
  two_run();
  (void)pass_alive(timing_.client_stop() - seconds{5});
  const std::uint64_t keep = post_;
  const Instant sent_at = now_;
  (void)pass_alive(seconds{6});
  ASSERT_EQ(logic_->counts().lost, 1U);
  EXPECT_TRUE(of<KeepRun>(happen(PostTried{keep, sent_at, 200, server_ms(), {}, {}})).empty());
}

TEST_F(WorkerLogicTest, ALeaseInTheNoteGoesBeforeThatOfTheStream) {
  (void)start(1);
  (void)open();
  (void)tell(1, NoteArrived{batch_id(1), 1, server_ms(), Duration{seconds{6}}});
  (void)bring(1, batch_id(1), 1);
  EXPECT_TRUE(of<PostReport>(pass_alive(seconds{2} - milliseconds{10})).empty());
  EXPECT_EQ(of<PostReport>(pass_alive(milliseconds{20})).size(), 1U);
}

TEST_F(WorkerLogicTest, AServerThatPromisesNoLeaseIsAskedToKeepNone) {
  promises_lease_ = false;
  two_run();
  EXPECT_TRUE(of<CancelRun>(pass_alive(timing_.lease * 3)).empty());
  EXPECT_EQ(logic_->counts().lost, 0U);
}

TEST_F(WorkerLogicTest, AKeepThatIsAnswered409LosesTheBatchAndNoOutcome) {
  two_run();
  (void)pass_alive(timing_.lease / 3 + seconds{1});
  const Actions lost = answer(409);
  EXPECT_EQ(of<CancelRun>(lost).size(), 2U);
  EXPECT_TRUE(lines(lost).empty());
  // In the grace the server takes what is done.
  const auto report = only<PostReport>(end(1)).report;
  EXPECT_EQ(report.batch, batch_id(1));
  EXPECT_EQ(report.ids, std::vector<Xid>{id_of(1)});
}

// ---- a run's time

TEST_F(WorkerLogicTest, ARunThatTakesTooLongIsCancelledAndHasFailedWhenItEnds) {
  start_with_run_time(seconds{2});
  (void)batch(1, 1, {1});
  const auto [cancelled, waited] = next<CancelRun>();
  EXPECT_EQ(cancelled.reason, CancelReason::timed_out);
  EXPECT_EQ(waited, seconds{2});
  const auto report = only<PostReport>(end(1)).report;  // whatever it brings
  ASSERT_EQ(report.failed.size(), 1U);
  EXPECT_EQ(report.failed[0].error, "it took longer than 2 s");
  EXPECT_FALSE(report.failed[0].final);
  EXPECT_EQ(logic_->counts().timed_out, 1U);
  EXPECT_EQ(logic_->counts().failed, 1U);
  EXPECT_EQ(logic_->counts().done, 0U);
}

TEST_F(WorkerLogicTest, OneThatNobodyHadBegunIsGivenBackAndHasNotFailed) {
  start_with_run_time(seconds{2});
  (void)batch(1, 1, {1});
  (void)next<CancelRun>();
  const auto report = only<PostReport>(happen(RunEnded{run_of(1), RunGivenBack{}, false})).report;
  EXPECT_TRUE(report.failed.empty());
  EXPECT_EQ(report.refused, std::vector<Xid>{id_of(1)});
}

TEST_F(WorkerLogicTest, OneThatDoesNotEndHasFailedWhenItsStopTimeIsOver) {
  start_with_run_time(seconds{2});
  (void)batch(1, 1, {1});
  (void)next<CancelRun>();
  const auto [post, waited] = next<PostReport>();
  EXPECT_EQ(waited, timing_.stop_time + timing_.slack);
  EXPECT_EQ(post.report.failed.size(), 1U);
  // It has its slot until it ends, and is cancelled once.
  (void)answer(200);
  EXPECT_EQ(logic_->counts().running, 1U);
  EXPECT_TRUE(of<CancelRun>(pass_alive(seconds{5})).empty());
  (void)end(1);
  EXPECT_EQ(logic_->counts().running, 0U);
  EXPECT_EQ(logic_->counts().reported, 1U);
}

TEST_F(WorkerLogicTest, AMsgWhoseEarlierRunGoesOnIsNotBegunBesideIt) {
  start_with_run_time(seconds{2});
  (void)batch(1, 1, {1});
  (void)next<PostReport>();
  (void)answer(200);
  const Actions again = batch(1, 2, {1});
  EXPECT_TRUE(of<BeginRun>(again).empty());
  EXPECT_EQ(only<PostReport>(again).report.failed.at(0).error,
            "an earlier run of it took too long and has not ended");
  (void)answer(200);
  (void)end(1);
  EXPECT_EQ(of<BeginRun>(batch(1, 3, {1})).size(), 1U);
}

TEST_F(WorkerLogicTest, EachRunHasItsOwnTime) {
  start_with_run_time(seconds{2});
  (void)batch(1, 1, {1});
  (void)pass(seconds{1});
  (void)open();
  (void)batch(2, 2, {2});
  const auto [first, waited] = next<CancelRun>();
  EXPECT_EQ(first.run, run_of(1));
  EXPECT_EQ(waited, seconds{1});
  (void)end(1);
  const auto [second, longer] = next<CancelRun>();
  EXPECT_EQ(second.run, run_of(2));
  EXPECT_EQ(longer, seconds{1});
}

// ---- as many msgs as it is to work on

TEST_F(WorkerLogicTest, MaxMsgsIsAskedForAndNoMore) {
  WorkerRules rules;
  rules.slots = 10;
  rules.max_msgs = 3;
  EXPECT_EQ(only<OpenWorkerStream>(start(rules)).batchsize, 3U);
  (void)open();
  (void)batch(1, 1, {1, 2});
  EXPECT_EQ(next<OpenWorkerStream>().first.batchsize, 1U);
  (void)open();
  (void)end(1);
  (void)answer(200);
  // The first stream asked for three, and one is left.
  EXPECT_TRUE(only<PostReport>(end(2)).report.last);
  (void)answer(200);
  (void)tell(1, StreamClosed{});
  (void)batch(2, 2, {3});
  EXPECT_TRUE(only<PostReport>(end(3)).report.last);
  const Actions settled = answer(200);
  EXPECT_TRUE(of<EndWorker>(settled).empty());
  const auto ended = only<EndWorker>(tell(2, StreamClosed{}));
  EXPECT_EQ(ended.reason, WorkerEndReason::msgs_done);
  EXPECT_EQ(ended.text, "it has worked on 3 msgs, as many as it was to");
}

TEST_F(WorkerLogicTest, MaxMsgsOfNoneIsDoneAtOnce) {
  WorkerRules rules;
  rules.max_msgs = 0;
  const Actions actions = start(rules);
  EXPECT_TRUE(of<OpenWorkerStream>(actions).empty());
  EXPECT_EQ(only<EndWorker>(actions).reason, WorkerEndReason::msgs_done);
}

}  // namespace
}  // namespace pena::core
