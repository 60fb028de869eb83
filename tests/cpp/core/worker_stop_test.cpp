// How a worker ends: told to, once or twice, or with the last msg of its queues (docs/worker-machine.md, "The end").
#include "worker_test.hpp"

namespace pena::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::id_of;

class WorkerStopTest : public test::WorkerTest {
 protected:
  Actions stop() { return happen(WorkerStopAsked{}); }
  // A worker of two slots: msg 1 runs in a batch of the first stream, the second is free.
  void one_runs() {
    (void)start(2);
    (void)open();
    (void)batch(1, 1, {1});
    (void)next<OpenWorkerStream>();
    (void)open();
  }
  void start_until_empty() {
    WorkerRules rules;
    rules.slots = 2;
    rules.until_empty = true;
    (void)start(rules);
    (void)open();
  }
  Actions told(std::optional<std::uint64_t> left) { return happen(CountsTold{left}); }
};

TEST_F(WorkerStopTest, AFreeStreamSaysThatItTakesNoMoreAndIsEndedByTheServer) {
  (void)start(2);
  (void)open();
  const Actions stopped = stop();
  EXPECT_EQ(only<PostLeave>(stopped).client, client_of(1));
  EXPECT_TRUE(of<HangUp>(stopped).empty());
  EXPECT_TRUE(answer(200).empty());
  const auto ended = only<EndWorker>(tell(1, StreamClosed{}));
  EXPECT_EQ(ended.reason, WorkerEndReason::stopped);
  EXPECT_EQ(ended.text, "it was asked to stop");
  EXPECT_TRUE(logic_->ended());
}

TEST_F(WorkerStopTest, WhatRunsIsFinishedAndReported) {
  one_runs();
  EXPECT_EQ(only<PostLeave>(stop()).client, client_of(2));
  (void)answer(200);
  (void)tell(2, StreamClosed{});
  EXPECT_TRUE(of<OpenWorkerStream>(pass(seconds{2})).empty());
  EXPECT_FALSE(logic_->ended());
  EXPECT_TRUE(only<PostReport>(end(1)).report.last);
  (void)answer(200);
  EXPECT_EQ(of<EndWorker>(tell(1, StreamClosed{})).size(), 1U);
}

TEST_F(WorkerStopTest, ItWaitsForAsLongAsItRuns) {
  one_runs();
  (void)stop();
  (void)answer(200);
  (void)tell(2, StreamClosed{});
  for (int times = 0; times < 600; ++times) {
    if (!of<PostReport>(pass(seconds{1})).empty()) (void)answer(200);  // its lease is kept
    (void)beat(1);
  }
  EXPECT_FALSE(logic_->ended());
  EXPECT_EQ(only<PostReport>(end(1)).report.ids, std::vector<Xid>{id_of(1)});
}

TEST_F(WorkerStopTest, ABatchThatWasOnItsWayIsWorkedOn) {
  (void)start(2);
  (void)open();
  (void)stop();
  EXPECT_EQ(only<BeginRun>(batch(1, 1, {1})).msg, id_of(1));
  (void)answer(200);
  EXPECT_FALSE(logic_->ended());
  EXPECT_TRUE(only<PostReport>(end(1)).report.last);
  (void)answer(200);
  EXPECT_EQ(of<EndWorker>(tell(1, StreamClosed{})).size(), 1U);
}

TEST_F(WorkerStopTest, AnOldServerDoesNotKnowWhatALeaveIsSoItsStreamsAreClosed) {
  (void)start(2);
  (void)open();
  (void)stop();
  const Actions refused = answer(400);
  EXPECT_EQ(only<HangUp>(refused).stream, 1U);
  EXPECT_EQ(of<EndWorker>(refused).size(), 1U);
}

TEST_F(WorkerStopTest, ButNotOneThatHasABatchByThen) {
  (void)start(2);
  (void)open();
  (void)stop();
  const std::uint64_t leave = post_;
  (void)batch(1, 1, {1});
  EXPECT_TRUE(of<HangUp>(answer(leave, 400)).empty());
  EXPECT_TRUE(only<PostReport>(end(1)).report.last);
}

TEST_F(WorkerStopTest, ALeaveThatFailsIsSaidAgainAfterWaitsThatGrow) {
  WorkerRules rules;
  rules.stop_patience = seconds{60};
  rules.retry.most = seconds{2};  // less than a silence
  (void)start(rules);
  (void)open();
  (void)stop();
  EXPECT_TRUE(of<PostLeave>(answer(503)).empty());
  Duration longest{};
  for (int times = 0; times < 10; ++times) {
    longest = std::max(longest, next<PostLeave>().second);
    (void)answer(503);
    (void)beat(1);
  }
  EXPECT_GT(longest, seconds{1});
}

TEST_F(WorkerStopTest, ALeaveThatIsNotAnsweredIsSaidAgain) {
  WorkerRules rules;
  rules.stop_patience = seconds{60};
  (void)start(rules);
  (void)open();
  (void)stop();
  const std::uint64_t first = post_;
  Actions passed;
  for (int second = 0; second < 12; ++second) {
    add(passed, pass(seconds{1}));
    (void)beat(1);
  }
  EXPECT_EQ(only<AbandonPost>(passed).number, first);
  EXPECT_EQ(only<PostLeave>(passed).client, client_of(1));
}

TEST_F(WorkerStopTest, AStreamThatIsBeingOpenedLeavesWhenItIs) {
  (void)start(2);
  (void)tell(1, StreamAsked{});
  EXPECT_EQ(lines(stop()), std::vector<std::string>{"it was asked to stop"});
  const Actions opened = tell(1, StreamOpened{now_, timing_, true, true, client_of(1)});
  EXPECT_EQ(only<PostLeave>(opened).client, client_of(1));
}

TEST_F(WorkerStopTest, OneThatHasNotAskedIsClosed) {
  (void)start(2);
  const Actions stopped = stop();
  EXPECT_EQ(only<HangUp>(stopped).stream, 1U);
  EXPECT_EQ(of<EndWorker>(stopped).size(), 1U);
}

TEST_F(WorkerStopTest, OneThatWaitsToBeOpenedIsNot) {
  (void)start(2);
  (void)tell(1, StreamClosed{"refused", 0, {}});
  EXPECT_EQ(of<EndWorker>(stop()).size(), 1U);
}

TEST_F(WorkerStopTest, OneThatFailsToOpenIsNotOpenedAgain) {
  (void)start(2);
  (void)tell(1, StreamAsked{});
  (void)stop();
  EXPECT_EQ(of<EndWorker>(tell(1, StreamClosed{"503", 503, {}})).size(), 1U);
}

TEST_F(WorkerStopTest, AClientWithoutANameIsClosed) {
  (void)start(2);
  (void)tell(1, StreamAsked{});
  (void)tell(1, StreamOpened{now_, timing_});
  EXPECT_EQ(only<HangUp>(stop()).stream, 1U);
}

TEST_F(WorkerStopTest, AServerThatEndsNothingIsWaitedForSoLong) {
  (void)start(2);
  (void)open();
  (void)stop();
  (void)answer(200);
  Duration waited{};
  while (!logic_->ended() && waited < seconds{20}) {
    (void)pass(milliseconds{500});
    (void)beat(1);
    waited += milliseconds{500};
  }
  EXPECT_EQ(waited, seconds{10});
}

TEST_F(WorkerStopTest, WhatIsNotReportedByThenIsSaid) {
  one_runs();
  (void)stop();
  (void)answer(200);
  (void)tell(2, StreamClosed{});
  (void)end(1);
  Actions actions;
  for (int second = 0; second < 10; ++second) {
    (void)beat(1);
    add(actions, pass(seconds{1}));
  }
  EXPECT_EQ(of<EndWorker>(actions).size(), 1U);
  EXPECT_FALSE(of<AbandonPost>(actions).empty());
  EXPECT_EQ(of<HangUp>(actions).size(), 1U);
  EXPECT_EQ(lines(actions).back(),
            "the reports of 1 msg were not answered in time, so the server may send them again");
}

TEST_F(WorkerStopTest, AReportThatWaitsLeavesNow) {
  one_runs();
  (void)end(1);
  (void)answer(503, seconds{8});
  EXPECT_EQ(of<PostReport>(stop()).size(), 1U);
}

TEST_F(WorkerStopTest, ARunThatTookTooLongAndGoesOnIsNotWaitedFor) {
  WorkerRules rules;
  rules.run_time = seconds{2};
  (void)start(rules);
  (void)open();
  (void)batch(1, 1, {1});
  (void)next<PostReport>();
  (void)stop();
  EXPECT_TRUE(report_.last);  // for its slot is still taken
  (void)answer(200);
  EXPECT_EQ(of<EndWorker>(tell(1, StreamClosed{})).size(), 1U);
}

// ---- the second time

TEST_F(WorkerStopTest, TheSecondTimeWhatRunsIsGivenBackWhenItHasStopped) {
  one_runs();
  (void)stop();
  const Actions second = stop();
  EXPECT_EQ(only<CancelRun>(second).run, run_of(1));
  EXPECT_EQ(only<CancelRun>(second).reason, CancelReason::given_back);
  // Somebody else may begin it at once, so it is not said before.
  EXPECT_TRUE(of<PostReport>(second).empty());
  const auto report = only<PostReport>(end(1, RunGivenBack{})).report;
  EXPECT_EQ(report.refused, std::vector<Xid>{id_of(1)});
  EXPECT_TRUE(report.last);
}

TEST_F(WorkerStopTest, OrWhenItsStopTimeIsOver) {
  one_runs();
  (void)stop();
  (void)stop();
  const auto [post, waited] = next<PostReport>();
  EXPECT_EQ(waited, timing_.stop_time + timing_.slack);
  EXPECT_EQ(post.report.refused, std::vector<Xid>{id_of(1)});
}

TEST_F(WorkerStopTest, WhatItBringsUntilThenCounts) {
  one_runs();
  (void)stop();
  (void)stop();
  EXPECT_EQ(only<PostReport>(end(1, RunDone{"7"})).report.ids, std::vector<Xid>{id_of(1)});
}

TEST_F(WorkerStopTest, WhatStillComesIsGivenBackUnbegun) {
  (void)start(2);
  (void)open();
  (void)stop();
  (void)stop();
  const Actions late = batch(1, 1, {1});
  EXPECT_TRUE(of<BeginRun>(late).empty());
  EXPECT_EQ(only<PostReport>(late).report.refused, std::vector<Xid>{id_of(1)});
}

TEST_F(WorkerStopTest, ThenItHasASecond) {
  one_runs();
  (void)stop();
  (void)stop();
  Actions actions = pass(timing_.stop_time + timing_.slack + milliseconds{999});
  EXPECT_FALSE(logic_->ended());
  add(actions, pass(milliseconds{1}));
  EXPECT_EQ(only<EndWorker>(actions).reason, WorkerEndReason::stopped);
  EXPECT_EQ(lines(actions).size(), 1U);
}

TEST_F(WorkerStopTest, AThirdTimeChangesNothing) {
  one_runs();
  (void)stop();
  (void)stop();
  (void)pass(milliseconds{500});
  (void)stop();
  (void)pass(timing_.stop_time + timing_.slack + milliseconds{500});
  EXPECT_TRUE(logic_->ended());
}

TEST_F(WorkerStopTest, BehindItsEndNothingHappens) {
  (void)start(1);
  (void)stop();
  ASSERT_TRUE(logic_->ended());
  EXPECT_TRUE(stop().empty());
  EXPECT_TRUE(open(1).empty());
  EXPECT_EQ(logic_->next_timeout(), std::nullopt);
}

// ---- until its queues are empty

TEST_F(WorkerStopTest, TwoLooksInARowThatFindNothingEndIt) {
  start_until_empty();
  EXPECT_EQ(next<AskCounts>().second, milliseconds{20});
  EXPECT_TRUE(told(0).empty());
  EXPECT_EQ(next<AskCounts>().second, milliseconds{20});
  EXPECT_EQ(only<PostLeave>(told(0)).client, client_of(1));
  (void)answer(200);
  const Actions closed = tell(1, StreamClosed{});
  EXPECT_EQ(only<EndWorker>(closed).reason, WorkerEndReason::empty);
  EXPECT_EQ(only<EndWorker>(closed).text, "its queues are empty");
}

TEST_F(WorkerStopTest, BehindTheLastLookItRests) {
  start_until_empty();
  (void)next<AskCounts>();
  (void)told(0);
  (void)next<AskCounts>();
  (void)told(0);
  const Actions passed = pass(seconds{2});
  EXPECT_TRUE(passed.empty());
}

TEST_F(WorkerStopTest, ALookThatFindsSomethingBeginsAnew) {
  start_until_empty();
  (void)next<AskCounts>();
  (void)told(0);
  (void)next<AskCounts>();
  (void)told(1);
  (void)next<AskCounts>();
  (void)told(0);
  EXPECT_FALSE(logic_->ended());
  (void)next<AskCounts>();
  EXPECT_EQ(of<PostLeave>(told(0)).size(), 1U);
}

TEST_F(WorkerStopTest, OneThatIsNotToldIsNone) {
  start_until_empty();
  (void)next<AskCounts>();
  (void)told(0);
  (void)next<AskCounts>();
  (void)told(std::nullopt);
  (void)next<AskCounts>();
  EXPECT_TRUE(told(0).empty());
}

TEST_F(WorkerStopTest, OneThatNeverIsToldIsAbandoned) {
  start_until_empty();
  const auto asked = next<AskCounts>().first;
  Actions passed;
  for (int second = 0; second < 11; ++second) {
    add(passed, pass(seconds{1}));
    (void)beat(1);
  }
  EXPECT_EQ(only<AbandonPost>(passed).number, asked.number);
  EXPECT_EQ(of<AskCounts>(passed).size(), 1U);
  EXPECT_TRUE(told(0).empty());
}

TEST_F(WorkerStopTest, WhileMsgsAreLeftItAsksMoreAndMoreSeldom) {
  start_until_empty();
  Duration longest{};
  for (int looks = 0; looks < 10; ++looks) {
    (void)beat(1);
    longest = std::max(longest, next<AskCounts>().second);
    (void)told(5);
  }
  EXPECT_EQ(longest, milliseconds{500});
}

TEST_F(WorkerStopTest, WhileItWorksItDoesNotAsk) {
  start_until_empty();
  (void)batch(1, 1, {1});
  EXPECT_TRUE(of<AskCounts>(pass(seconds{2})).empty());
  (void)end(1);
  (void)answer(200);
  EXPECT_EQ(next<AskCounts>().second, milliseconds{20});
}

TEST_F(WorkerStopTest, WorkBetweenTwoLooksBeginsAnew) {
  start_until_empty();
  (void)next<AskCounts>();
  (void)told(0);
  (void)batch(1, 1, {1});
  (void)end(1);
  (void)answer(200);
  (void)next<AskCounts>();
  EXPECT_TRUE(told(0).empty());
  (void)next<AskCounts>();
  EXPECT_EQ(of<PostLeave>(told(0)).size(), 1U);
}

TEST_F(WorkerStopTest, AnAnswerFromBeforeTheLastWorkIsNoLook) {
  start_until_empty();
  (void)next<AskCounts>();
  (void)batch(1, 1, {1});
  (void)end(1);
  (void)answer(200);
  (void)told(0);  // that of the question before the batch
  (void)next<AskCounts>();
  EXPECT_TRUE(told(0).empty());
}

}  // namespace
}  // namespace pena::core
