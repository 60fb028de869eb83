// The client's machine in simulated time (R11 to R16, and when it must stop).
#include <set>

#include "client_test.hpp"

namespace pena::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::id_of;
using test::kServerMs;

class ClientLogicTest : public test::ClientTest {
 protected:
  void make(const ClientRules& rules) { (void)start(rules); }
  void make(std::uint32_t batchsize) {
    ClientRules rules;
    rules.batchsize = rules.max_running = batchsize;
    make(rules);
  }
  void open() {
    (void)happen(StreamOpened{now_, timing_});
    (void)happen(NoteArrived{std::nullopt, 0, kServerMs});
  }
  // A heartbeat that was stamped now.
  Actions beat() {
    return happen(NoteArrived{std::nullopt, 0, kServerMs + to_ms(now_) - to_ms(start_)});
  }
  // A batch that was granted now, and the msgs that come with it.
  Actions batch(std::uint8_t number, std::uint32_t size, const std::vector<MsgArrived>& msgs) {
    const std::int64_t at_ms = kServerMs + to_ms(now_) - to_ms(start_);
    Actions actions = happen(NoteArrived{id_of(number), size, at_ms});
    for (MsgArrived msg : msgs) {
      msg.batch = id_of(number);
      const Actions more = happen(msg);
      actions.insert(actions.end(), more.begin(), more.end());
    }
    return actions;
  }
  // A batch of one msg comes and is done; what its report is answered is for the test to say.
  void work_on(std::uint8_t number) {
    batch(number, 1, {{id_of(number), 5, {}}});
    (void)happen(WorkEnded{id_of(number)});
  }
  Actions taken(std::optional<std::int64_t> server_ms = std::nullopt) {
    return answer(200, {}, server_ms);
  }
  // Of a client that is to end behind it; the answer is still to come.
  void report_the_only_batch() {
    ClientRules rules;
    rules.batchsize = rules.max_running = 1;
    rules.max_batches = 1;
    make(rules);
    open();
    batch(100, 1, {{id_of(1), 5, {}}});
    (void)happen(WorkEnded{id_of(1)});
  }
  const Instant start_ = now_;
  Timing timing_;
};

TEST_F(ClientLogicTest, R11_TheBatchsizeIsDrawnFrom2To10) {
  std::set<std::uint32_t> drawn;
  for (std::uint64_t seed = 0; seed < 500; ++seed) drawn.insert(ClientLogic::draw_batchsize(seed));
  EXPECT_EQ(drawn, (std::set<std::uint32_t>{2, 3, 4, 5, 6, 7, 8, 9, 10}));
}

TEST_F(ClientLogicTest, R12_EveryMsgIsStartedWithItsPeriod) {
  make(2);
  open();
  const auto started = of<StartWork>(batch(100, 2, {{id_of(1), 382, {}}, {id_of(2), 800, {}}}));
  ASSERT_EQ(started.size(), 2U);
  EXPECT_EQ(started[0].period, 382U);
  EXPECT_FALSE(started[1].panics);
}

TEST_F(ClientLogicTest, R13_WhatArrivesWhileAllRunIsRefusedAndNamedInTheReport) {
  ClientRules rules;
  rules.batchsize = 3;
  rules.max_running = 2;
  make(rules);
  open();
  const Actions arrived = batch(100, 3, {{id_of(1), 5, {}}, {id_of(2), 5, {}}, {id_of(3), 5, {}}});
  EXPECT_EQ(of<StartWork>(arrived).size(), 2U);
  (void)happen(WorkEnded{id_of(1)});
  const auto reports = of<SendReport>(happen(WorkEnded{id_of(2)}));
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].report.ids, (std::vector<Xid>{id_of(1), id_of(2)}));
  EXPECT_EQ(reports[0].report.refused, std::vector<Xid>{id_of(3)});
  EXPECT_EQ(logic_->counts().refused, 1U);
}

TEST_F(ClientLogicTest, R14_APeriodAbove800PanicsAndTheClientLivesOn) {
  make(2);
  open();
  const auto started = of<StartWork>(batch(100, 2, {{id_of(1), 801, {}}, {id_of(2), 900, {}}}));
  ASSERT_EQ(started.size(), 2U);
  EXPECT_TRUE(started[0].panics);
  (void)happen(WorkEnded{id_of(1), true});
  const auto reports = of<SendReport>(happen(WorkEnded{id_of(2), true}));
  EXPECT_EQ(reports.at(0).report.ids, (std::vector<Xid>{id_of(1), id_of(2)}));
  EXPECT_FALSE(logic_->ended());
}

TEST_F(ClientLogicTest, R16_WhatPanickedMayBeLeftOutOfTheReport) {
  ClientRules rules;
  rules.report_panicked = false;
  make(rules);
  open();
  batch(100, 2, {{id_of(1), 900, {}}, {id_of(2), 5, {}}});
  (void)happen(WorkEnded{id_of(1), true});
  const auto reports = of<SendReport>(happen(WorkEnded{id_of(2)}));
  EXPECT_EQ(reports.at(0).report.ids, std::vector<Xid>{id_of(2)});
}

TEST_F(ClientLogicTest, R15_APeriodAbove900EndsTheClientWithoutAReport) {
  make(2);
  open();
  const Actions actions = batch(100, 2, {{id_of(1), 5, {}}, {id_of(2), 901, {}}});
  EXPECT_EQ(of<StopWork>(actions).at(0).id, id_of(1));
  EXPECT_TRUE(of<SendReport>(actions).empty());
  EXPECT_EQ(of<CloseOwnStream>(actions).size(), 1U);
  const EndClient end = of<EndClient>(actions).at(0);
  EXPECT_EQ(end.reason, ClientEndReason::period_too_long);
  EXPECT_EQ(end.msg, id_of(2));
  EXPECT_TRUE(logic_->ended());
  EXPECT_EQ(logic_->next_timeout(), std::nullopt);
}

TEST_F(ClientLogicTest, R16_ReportsAsSoonAsAllHaveEndedAndNotBefore) {
  make(3);
  open();
  batch(100, 3, {{id_of(1), 5, {}}, {id_of(2), 5, {}}});
  (void)happen(WorkEnded{id_of(1)});
  EXPECT_TRUE(of<SendReport>(happen(WorkEnded{id_of(2)})).empty());  // the third is on its way
  EXPECT_EQ(of<StartWork>(happen(MsgArrived{id_of(3), 5, id_of(100)})).size(), 1U);
  const auto reports = of<SendReport>(happen(WorkEnded{id_of(3)}));
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].report.batch, id_of(100));
  EXPECT_EQ(reports[0].report.ids.size(), 3U);
}

TEST_F(ClientLogicTest, AShortBatchIsWholeAsItsNoteSays) {
  make(5);
  open();
  batch(100, 1, {{id_of(1), 5, {}}});
  EXPECT_EQ(of<SendReport>(happen(WorkEnded{id_of(1)})).size(), 1U);
}

TEST_F(ClientLogicTest, AServerWithoutNotesOrBatchesIsServedByCounting) {
  make(2);
  (void)happen(StreamOpened{now_, Timing{}});
  (void)happen(MsgArrived{id_of(1), 5, std::nullopt});
  (void)happen(MsgArrived{id_of(2), 5, std::nullopt});
  (void)happen(WorkEnded{id_of(1)});
  const auto reports = of<SendReport>(happen(WorkEnded{id_of(2)}));
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].report.batch, std::nullopt);
  EXPECT_EQ(reports[0].report.ids.size(), 2U);
}

TEST_F(ClientLogicTest, TheNextBatchMayComeBeforeTheAnswer) {
  make(1);
  open();
  batch(100, 1, {{id_of(1), 5, {}}});
  (void)happen(WorkEnded{id_of(1)});
  EXPECT_EQ(of<StartWork>(batch(101, 1, {{id_of(2), 5, {}}})).size(), 1U);
  EXPECT_TRUE(of<SendReport>(happen(WorkEnded{id_of(2)})).empty());  // one after the other
  EXPECT_EQ(of<SendReport>(taken()).at(0).report.batch, id_of(101));
}

TEST_F(ClientLogicTest, ALostStreamStopsTheWorkAndReportsWhatIsDone) {
  make(2);
  open();
  batch(100, 2, {{id_of(1), 5, {}}, {id_of(2), 500, {}}});
  (void)happen(WorkEnded{id_of(1)});
  const Actions actions = happen(StreamClosed{});
  EXPECT_EQ(of<StopWork>(actions).at(0).id, id_of(2));
  // The report gives the msg up, so it waits until nobody works on it.
  EXPECT_TRUE(of<SendReport>(actions).empty());
  const Actions stopped = happen(WorkStopped{id_of(2)});
  EXPECT_EQ(of<SendReport>(stopped).at(0).report.ids, std::vector<Xid>{id_of(1)});
  EXPECT_TRUE(happen(WorkEnded{id_of(2)}).empty());  // it came too late to count
  (void)next<OpenStream>({});
  EXPECT_EQ(logic_->counts().running, 0U);
}

TEST_F(ClientLogicTest, WorkThatEndsWhileItIsStoppedIsReported) {
  make(1);
  open();
  batch(100, 1, {{id_of(1), 500, {}}});
  (void)happen(StreamClosed{});
  const Actions ended = happen(WorkEnded{id_of(1)});
  EXPECT_EQ(of<SendReport>(ended).at(0).report.ids, std::vector<Xid>{id_of(1)});
  EXPECT_TRUE(happen(WorkStopped{id_of(1)}).empty());
}

TEST_F(ClientLogicTest, BytesThatCameLateDoNotKeepASilentStream) {
  make(1);
  open();
  batch(100, 1, {{id_of(1), 500, {}}});
  // A proxy held heartbeats back for two seconds: the server may have seen the end of the stream.
  now_ += seconds{2};
  (void)happen(StreamHeard{});
  (void)happen(NoteArrived{std::nullopt, 0, kServerMs + 10});
  now_ = start_ + timing_.silence + milliseconds{20};
  EXPECT_EQ(of<StopWork>(happen(ClientTimeReached{})).size(), 1U);
}

TEST_F(ClientLogicTest, AStampFromBeforeTheAnchorLiesBeforeIt) {
  make(1);
  open();
  // An answer renewed the anchor while the bytes of a grant were on their way.
  work_on(99);
  now_ += seconds{2};
  (void)taken(kServerMs + 2000);
  (void)happen(NoteArrived{id_of(100), 1, kServerMs + 100});
  (void)happen(MsgArrived{id_of(1), 500, id_of(100)});
  EXPECT_LE(*logic_->next_timeout(), start_ + milliseconds{100} + timing_.silence);
}

TEST_F(ClientLogicTest, NothingIsBegunThatWouldHaveToBeStopped) {
  make(1);
  open();
  now_ += timing_.silence + milliseconds{500};
  (void)happen(NoteArrived{id_of(100), 1, kServerMs});
  const Actions actions = happen(MsgArrived{id_of(1), 500, id_of(100)});
  EXPECT_TRUE(of<StartWork>(actions).empty());
  (void)next<OpenStream>(actions);
}

TEST_F(ClientLogicTest, SilenceIsALostStream) {
  make(2);
  open();
  batch(100, 2, {{id_of(1), 5, {}}, {id_of(2), 500, {}}});
  now_ += timing_.silence - milliseconds{20};
  EXPECT_TRUE(happen(ClientTimeReached{}).empty());
  (void)beat();
  // Counted from where the stamp lies for certain: a little before it.
  now_ += timing_.silence - milliseconds{20};
  EXPECT_TRUE(happen(ClientTimeReached{}).empty());
  EXPECT_LE(*logic_->next_timeout(), now_ + milliseconds{20});
  now_ += milliseconds{20};
  const Actions actions = happen(ClientTimeReached{});
  EXPECT_EQ(of<CloseOwnStream>(actions).size(), 1U);
  EXPECT_EQ(of<StopWork>(actions).size(), 2U);
  (void)next<OpenStream>(actions);
}

TEST_F(ClientLogicTest, StopsItsWorkBeforeTheLeaseIsOver) {
  make(1);
  open();
  now_ += seconds{2};
  batch(100, 1, {{id_of(1), 700, {}}});
  const Instant granted_at = now_;
  // Heartbeats go on, so the lease is all that ends it.
  Instant stopped_at{};
  while (stopped_at == Instant{} && now_ < granted_at + timing_.lease) {
    now_ += milliseconds{100};
    (void)beat();
    const Actions actions = happen(ClientTimeReached{});
    if (!of<StopWork>(actions).empty()) stopped_at = now_;
  }
  ASSERT_NE(stopped_at, Instant{});
  EXPECT_LE(stopped_at + timing_.stop_time, granted_at + timing_.lease);
  EXPECT_GE(stopped_at, granted_at + timing_.lease - seconds{1});
}

TEST_F(ClientLogicTest, ABatchThatWaitedOnItsWayIsStoppedAllTheSooner) {
  make(1);
  open();
  const std::int64_t granted_ms = kServerMs + 1000;
  for (int i = 0; i < 11; ++i) {
    now_ += seconds{1};
    (void)beat();
  }
  (void)happen(NoteArrived{id_of(100), 1, granted_ms});  // it came ten seconds late
  (void)happen(MsgArrived{id_of(1), 700, id_of(100)});
  Instant stop_at{};
  while (now_ < start_ + seconds{60} && stop_at == Instant{}) {
    now_ += milliseconds{100};
    (void)beat();
    if (!of<StopWork>(happen(ClientTimeReached{})).empty()) stop_at = now_;
  }
  ASSERT_NE(stop_at, Instant{});
  EXPECT_LE(stop_at + timing_.stop_time, start_ + seconds{1} + timing_.lease);
}

TEST_F(ClientLogicTest, EveryAnswerRenewsTheAnchorSoThatDriftDoesNotAddUp) {
  timing_.clock_drift = 0.01;
  make(1);
  open();
  const auto until_silence = [&] {
    (void)beat();
    Instant probe = now_;
    while (probe < now_ + timing_.silence) {
      probe += milliseconds{10};
      ClientLogic copy = *logic_;
      if (!of<CloseOwnStream>(copy.step(ClientTimeReached{}, probe)).empty()) break;
    }
    return probe - now_;
  };
  now_ += seconds{100};
  // A hundred seconds at 2 % are two seconds that the client must take off.
  EXPECT_LT(until_silence(), timing_.silence - milliseconds{1900});
  now_ += milliseconds{1};
  work_on(100);
  (void)taken(kServerMs + to_ms(now_) - to_ms(start_));
  EXPECT_GT(until_silence(), timing_.silence - milliseconds{100});
}

TEST_F(ClientLogicTest, AnIdleStreamAsksForTheServersTimeNowAndThen) {
  make(1);
  open();
  int asked = 0;
  const Instant end = now_ + std::chrono::hours{10};
  while (now_ < end) {
    now_ += seconds{1};
    (void)beat();
    for (const SendReport& renew : of<SendReport>(happen(ClientTimeReached{}))) {
      EXPECT_TRUE(renew.report.ids.empty());
      ++asked;
      (void)taken(kServerMs + to_ms(now_) - to_ms(start_));
    }
  }
  EXPECT_NEAR(asked, 240, 10);  // every 150 s: a hundredth of the lease at twice the drift
  // After ten idle hours a batch still has nearly all of its lease.
  batch(100, 1, {{id_of(1), 5, {}}});
  now_ += timing_.client_stop() - milliseconds{500};
  (void)beat();
  EXPECT_TRUE(of<StopWork>(happen(ClientTimeReached{})).empty());
}

TEST_F(ClientLogicTest, AnAnswerFromBeforeTheStreamsFirstStampIsNoAnchor) {
  make(2);
  open();
  work_on(100);
  (void)next<OpenStream>(happen(StreamClosed{}));
  (void)happen(StreamOpened{now_, timing_});
  // Of the server that was here before, whose clock was an hour behind.
  constexpr std::int64_t kHour = 3'600'000;
  (void)taken(kServerMs - kHour);
  (void)happen(NoteArrived{std::nullopt, 0, kServerMs});
  const auto due = logic_->next_timeout();
  ASSERT_TRUE(due);
  EXPECT_LE(*due, now_ + timing_.silence);
}

TEST_F(ClientLogicTest, WhatIsOnItsWayOfAGivenUpBatchIsNotBegun) {
  make(2);
  open();
  batch(100, 2, {{id_of(1), 5, {}}});
  now_ += timing_.lease;
  (void)beat();
  EXPECT_EQ(of<StopWork>(happen(ClientTimeReached{})).size(), 1U);
  EXPECT_EQ(of<SendReport>(happen(WorkStopped{id_of(1)})).size(), 1U);
  EXPECT_TRUE(happen(MsgArrived{id_of(2), 5, id_of(100)}).empty());
}

TEST_F(ClientLogicTest, BacksOffWithJitterAndForgetsItAfterAGoodStream) {
  ClientRules rules;
  rules.seed = 3;
  make(rules);
  Duration most = rules.retry.first;
  std::set<Duration> waits;
  for (int failure = 0; failure < 12; ++failure) {
    const Duration wait = wait_for_stream(happen(StreamClosed{}));
    EXPECT_LE(wait, most);
    waits.insert(wait);
    most = std::min(rules.retry.most, most * 2);
  }
  EXPECT_GT(waits.size(), 10U);
  EXPECT_GT(*waits.rbegin(), seconds{1});
  (void)happen(StreamOpened{now_, timing_});
  (void)happen(MsgArrived{id_of(1), 5, {}});
  EXPECT_LE(wait_for_stream(happen(StreamClosed{})), rules.retry.first);
}

TEST_F(ClientLogicTest, AStopWaitsForTheAnswerButNotForEver) {
  make(2);
  open();
  batch(100, 2, {{id_of(1), 5, {}}, {id_of(2), 500, {}}});
  (void)happen(WorkEnded{id_of(1)});
  const Actions asked = happen(StopAsked{});
  EXPECT_TRUE(of<EndClient>(asked).empty());
  const Actions stopped = happen(WorkStopped{id_of(2)});
  EXPECT_EQ(of<SendReport>(stopped).at(0).report.ids, std::vector<Xid>{id_of(1)});
  EXPECT_TRUE(of<EndClient>(stopped).empty());
  EXPECT_EQ(logic_->next_timeout(), now_ + seconds{1});
  now_ += seconds{1};
  EXPECT_EQ(of<EndClient>(happen(ClientTimeReached{})).at(0).reason, ClientEndReason::stopped);
}

TEST_F(ClientLogicTest, EndsWhenItsBatchesAreReported) {
  report_the_only_batch();
  const auto ends = of<EndClient>(taken());
  ASSERT_EQ(ends.size(), 1U);
  EXPECT_EQ(ends[0].reason, ClientEndReason::batches_done);
}

TEST_F(ClientLogicTest, BeginsNothingThatComesBeforeTheAnswerToItsLastReport) {
  report_the_only_batch();
  EXPECT_TRUE(of<StartWork>(batch(101, 1, {{id_of(2), 5, {}}})).empty());
  EXPECT_EQ(of<EndClient>(taken()).size(), 1U);
  EXPECT_EQ(logic_->counts().received, 1U);
}

TEST_F(ClientLogicTest, ARefusedStreamEndsItWithTheServersWords) {
  make(2);
  const auto ends = of<EndClient>(happen(StreamClosed{"400: batchsize is too large", 400, {}}));
  ASSERT_EQ(ends.size(), 1U);
  EXPECT_EQ(ends[0].text, "the server refused the stream: 400: batchsize is too large");
}

}  // namespace
}  // namespace pena::core
