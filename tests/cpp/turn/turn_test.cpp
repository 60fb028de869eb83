// The shell's pure half over a store in memory: what leaves, and when.
#include "turn_test.hpp"

#include <set>

namespace pena::turn::test {
namespace {

TEST_F(TurnTest, WhatIsAnsweredIsInTheStore) {
  open();
  EXPECT_EQ(of<core::SubmitReply>(submit({1, 2})).size(), 1U);
  EXPECT_EQ(store_->counts(),
            (store::BucketCounts{.queue = 2, .batch = 0, .report = 0, .fail = 0}));
  const auto sent = of<core::SendBatch>(join(100, 2));
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(store_->counts(),
            (store::BucketCounts{.queue = 0, .batch = 2, .report = 0, .fail = 0}));
  const auto answered = of<core::ReportReply>(report({id_of(1), id_of(2)}));
  EXPECT_EQ(answered.at(0).reported, 2U);
  EXPECT_EQ(store_->counts(),
            (store::BucketCounts{.queue = 0, .batch = 0, .report = 2, .fail = 0}));
}

// Commits that take a while, so that a round may be held for as long.
class TurnPaceTest : public TurnTest {
 protected:
  std::vector<Outgoing> close() {
    turn_->close(now_);
    now_ += kCommit;
    return turn_->durable(now_);
  }
  void learn() {
    for (std::uint16_t i = 0; i < 50; ++i) {
      take(core::Submitted{++requests_, {Msg{id_of(static_cast<std::uint16_t>(1000 + i)), 1, {}}}});
      (void)close();
    }
  }
  void take(core::Event event) { turn_->take(std::move(event), now_); }
  [[nodiscard]] bool is_held() { return turn_->next_close(now_) > now_ && turn_->holds(); }

  static constexpr core::Duration kCommit = std::chrono::microseconds{400};
};

TEST_F(TurnPaceTest, ARoundThatOnlyAnswersReportsIsHeldUntilWorkComes) {
  open();
  learn();
  EXPECT_FALSE(is_held());
  take(core::ClientJoined{id_of(100), 49, false});
  EXPECT_FALSE(is_held());
  const auto sent = of<core::SendBatch>(close());
  ASSERT_EQ(sent.size(), 1U);
  const auto& msgs = sent[0].batch->msgs;
  take(core::Reported{1, {}, {}, {}, {}, false});
  EXPECT_FALSE(is_held());  // it settles nothing, so nothing is written
  take(core::Reported{2, {}, {msgs.at(0).msg.id}, {}, {}, true});
  EXPECT_TRUE(is_held());  // its client is not free yet
  EXPECT_LE(turn_->next_close(now_).value(), now_ + kCommit);
  take(core::Submitted{9, {Msg{id_of(3), 1, {}}}});
  EXPECT_EQ(turn_->next_close(now_), now_);
  EXPECT_EQ(close().size(), 3U);
  EXPECT_FALSE(is_held());
}

TEST_F(TurnPaceTest, AReportBehindWhichTheGeneratorFillsABatchIsMoreThanItsAnswer) {
  open();
  learn();
  join(99, 1000);
  now_ += limits_.linger;
  (void)run_rounds(*turn_, now_);
  open(Generator::Settings{.count = {}, .rate = {}, .seed = 1});
  const auto sent = of<core::SendBatch>(join(100, 1));
  take(core::Reported{1, {}, {sent.at(0).batch->msgs.at(0).msg.id}, {}, {}, false});
  EXPECT_FALSE(is_held());
}

TEST_F(TurnTest, AnIdIsAcceptedOnceWhereverItIs) {
  open();
  submit({1});
  submit({1, 2, 2});  // waits; and twice in one request
  EXPECT_EQ(store_->counts(),
            (store::BucketCounts{.queue = 2, .batch = 0, .report = 0, .fail = 0}));
  join(100, 2);
  submit({1});  // held
  report({id_of(1), id_of(2)});
  submit({1, 2});  // reported
  EXPECT_EQ(store_->counts(),
            (store::BucketCounts{.queue = 0, .batch = 0, .report = 2, .fail = 0}));
}

TEST_F(TurnTest, AnIdIsAcceptedOnceWithinOneRound) {
  limits_.window_msgs =
      1;  // the second id waits in the store alone, where nothing is committed yet
  limits_.batchsize = 1;
  open();
  turn_->take(core::Submitted{1, {Msg{id_of(1), 1, {}}, Msg{id_of(2), 1, {}}}}, now_);
  turn_->take(core::Submitted{2, {Msg{id_of(2), 1, {}}}}, now_);
  EXPECT_EQ(of<core::SubmitReply>(run_rounds(*turn_, now_)).size(), 2U);
  EXPECT_EQ(store_->counts(),
            (store::BucketCounts{.queue = 2, .batch = 0, .report = 0, .fail = 0}));
}

TEST_F(TurnTest, AnIdThatIsKnownIsTakenAsKnownWhoeverMadeIt) {
  open();
  const Xid made = ids_.next(now_);
  happen(core::Submitted{1, {Msg{made, 1, {}}}, false});
  // Another process in the same second, and one whose clock has been set back since.
  for (const Instant restarted : {now_, now_ - seconds{7200}}) {
    ids_ = core::XidFactory{{1, 2, 3}, 4};
    now_ = restarted;
    open();
    const auto outgoing = happen(core::Submitted{2, {Msg{made, 1, {}}}});
    EXPECT_EQ(of<core::SubmitReply>(outgoing).size(), 1U);
    EXPECT_EQ(store_->counts().queue, 1U);
  }
}

TEST_F(TurnTest, AnIdThatIsYetToBeMadeIsRefusedAndNothingOfItsRequestIsTaken) {
  open();
  join(100, 1);
  core::XidFactory twin{{1, 2, 3}, 4};
  (void)ids_.next(now_);
  const Xid ahead = twin.next(now_ + seconds{100});
  const auto outgoing =
      happen(core::Submitted{7, {Msg{id_of(1), 1, {}}, Msg{ahead, 1, {}}, Msg{id_of(2), 1, {}}}});
  const auto refused = of<SubmitRefused>(outgoing);
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(refused[0].request, 7U);
  EXPECT_EQ(refused[0].id, ahead);
  EXPECT_EQ(outgoing.size(), 1U);
  EXPECT_EQ(store_->counts(), store::BucketCounts{});
  // What this process has not made and will not make is anybody's.
  EXPECT_EQ(of<core::SubmitReply>(happen(core::Submitted{8, {Msg{twin.next(now_), 1, {}}}})).size(),
            0U);
  core::XidFactory earlier{{1, 2, 3}, 4};
  const Xid passed = earlier.next(now_ - seconds{1});
  EXPECT_EQ(of<core::SubmitReply>(happen(core::Submitted{9, {Msg{passed, 1, {}}}})).size(), 1U);
}

TEST_F(TurnTest, IdsAscendOverRestartsWhateverTheClockSays) {
  Xid last;
  for (const int clock : {0, 0, 3600, -7200, -1, 5}) {
    now_ = core::from_us(1'000'000'000'000'000) + seconds{clock};
    ids_ = core::XidFactory{{1, 2, 3}, 4};
    open();
    const Xid made = ids_.next(now_);
    EXPECT_GT(made, last) << clock;
    happen(core::Submitted{1, {Msg{made, 1, {}}}, false});
    last = made;
  }
  EXPECT_EQ(store_->counts().queue, 6U);
  EXPECT_EQ(store_->meta("id_second"), last.seconds());
}

// In a container every run is process 1, so whoever looks at an id knows the next run's.
TEST_F(TurnTest, IdsThatSomebodyBroughtBeforeTheyAreMadeAreSteppedOver) {
  const core::XidFactory next_run = ids_;
  ids_ = core::XidFactory{{1, 2, 3}, 5};
  open();
  const auto brought = [](std::uint8_t counter) {
    return Xid{Xid::Bytes{0, 0, 0x03, 0xe9, 1, 2, 3, 0, 4, 0, 0, counter}};  // second 1001
  };
  core::Submitted submitted{++requests_, {}, true};
  for (const int counter : {0, 1, 3, 4}) {
    submitted.msgs.push_back({brought(static_cast<std::uint8_t>(counter)), 1, {}});
  }
  EXPECT_EQ(of<core::SubmitReply>(happen(std::move(submitted))).size(), 1U);
  join(100, 2);  // some of them are held
  ids_ = next_run;
  open(Generator::Settings{10, std::nullopt, 1});
  const auto sent = of<core::SendBatch>(join(101, 12));
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].batch->msgs.size(), 12U);  // two that were brought, and ten
  EXPECT_EQ(store_->counts().queue + store_->counts().batch, 14U);
}

TEST_F(TurnTest, AStoreThatDoesNotSayHowFarIdsHaveComeIsLookedThrough) {
  now_ = core::from_us(1'000'000'000'000'000);
  const auto second = core::unix_seconds(now_);
  const auto with_id = [](const Xid& id) {
    return core::PutQueue{core::QueuedMsg{{id, 1, {}}, {}, {}, {}}};
  };
  core::XidFactory before{{1, 2, 3}, 9};
  before.begin_behind(second + 3600);  // the clock was set back an hour
  const Xid queued = before.next(now_);
  store_->commit({with_id(queued), with_id(Xid::last_of(0xf0000000))});  // somebody's, far ahead
  open();
  const Xid made = ids_.next(now_);
  EXPECT_GT(made, queued);
  EXPECT_LT(made.seconds(), second + 7200);
}

TEST_F(TurnTest, OwnIdsInAnyOrderAreAcceptedInTheirOrder) {
  open();
  submit({5, 1, 4, 1, 2, 3});
  const auto sent = of<core::SendBatch>(join(100, 5));
  ASSERT_EQ(sent.size(), 1U);
  for (std::uint16_t i = 0; i < 5; ++i) {
    EXPECT_EQ(sent[0].batch->msgs[i].msg.id, id_of(static_cast<std::uint16_t>(i + 1)));
  }
}

TEST_F(TurnTest, DatesFollowTheWallClockAndLeasesDoNot) {
  open();
  join(100, 1);
  for (const seconds ahead : {seconds{3600}, seconds{-3600}}) {
    turn_->take(core::ClockRead{ahead}, now_);
    const auto sent = of<core::SendBatch>(submit({static_cast<std::uint16_t>(requests_ + 1)}));
    ASSERT_EQ(sent.size(), 1U);
    const core::Batch& batch = *sent[0].batch;
    EXPECT_EQ(sent[0].granted_at, now_);
    EXPECT_EQ(batch.granted_at, now_ + seconds{3600});  // and never go back
    EXPECT_EQ(batch.msgs[0].accepted_at, now_ + seconds{3600});
    EXPECT_EQ(batch.id.seconds(), core::unix_seconds(now_ + seconds{3600}));
    report({batch.msgs[0].msg.id});
    EXPECT_EQ(store_->report(batch.msgs[0].msg.id)->reported_at, now_ + seconds{3600});
  }
}

TEST_F(TurnTest, TellsDuplicateFromUnknown) {
  open();
  submit({1});
  join(100, 1);
  report({id_of(1)});
  const SettledReply again = std::get<SettledReply>(
      settled(of<core::ReportReply>(report({id_of(1), id_of(77)})).at(0), *store_));
  EXPECT_EQ(again.reported, 0U);
  EXPECT_EQ(again.duplicate, 1U);
  EXPECT_EQ(again.unknown, 1U);
}

TEST_F(TurnTest, TheGeneratorFillsEveryFreeClientAndStopsAtItsCount) {
  open(Generator::Settings{.count = 10, .rate = {}, .seed = 1});
  EXPECT_EQ(of<core::SendBatch>(join(100, 4)).at(0).batch->msgs.size(), 4U);
  EXPECT_EQ(of<core::SendBatch>(join(101, 4)).at(0).batch->msgs.size(), 4U);
  EXPECT_TRUE(of<core::SendBatch>(join(102, 4)).empty());  // two are left: they linger
  now_ += limits_.linger;
  const auto sent = of<core::SendBatch>(run_rounds(*turn_, now_));
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].batch->msgs.size(), 2U);
  EXPECT_FALSE(turn_->generating());
  EXPECT_EQ(store_->counts(),
            (store::BucketCounts{.queue = 0, .batch = 10, .report = 0, .fail = 0}));
}

TEST_F(TurnTest, ARestartedGeneratorMakesOnlyWhatIsLeft) {
  const Generator::Settings settings{.count = 10, .rate = {}, .seed = 1};
  open(settings);
  join(100, 6);
  open(settings);
  join(101, 4);
  EXPECT_FALSE(turn_->generating());
  EXPECT_EQ(store_->counts().batch, 10U);
}

TEST_F(TurnTest, TheRateNamesTheNextTimeAndWhatItMadeLingers) {
  open(Generator::Settings{.count = {}, .rate = 2.0, .seed = 1});
  EXPECT_TRUE(of<core::SendBatch>(join(100, 2)).empty());
  for (int round = 0; round < 2; ++round) {
    const auto next = turn_->next_close(now_);
    ASSERT_TRUE(next);
    EXPECT_LE(*next, now_ + (round == 0 ? milliseconds{501} : limits_.linger));
    now_ = *next;
    const auto sent = of<core::SendBatch>(run_rounds(*turn_, now_));
    ASSERT_EQ(sent.size(), round == 0 ? 0U : 1U);
    for (const auto& send : sent) EXPECT_EQ(send.batch->msgs.size(), 1U);
  }
}

TEST_F(TurnTest, WhoWaitsForARateHoldsNobodyBack) {
  open(Generator::Settings{.count = {}, .rate = 1.0, .seed = 1});
  join(100, 1000);
  join(101, 1);
  now_ = turn_->next_close(now_).value();
  const auto second = of<core::SendBatch>(run_rounds(*turn_, now_));
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].client, id_of(101));
  // It is done at once, and yet the next one is the first client's, whose linger is over.
  report({second[0].batch->msgs.at(0).msg.id});
  now_ = turn_->next_close(now_).value();
  const auto first = of<core::SendBatch>(run_rounds(*turn_, now_));
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].client, id_of(100));
}

TEST_F(TurnTest, WhatIsSubmittedBesideALowRateLingersAndNoLonger) {
  open(Generator::Settings{.count = {}, .rate = 0.01, .seed = 1});
  join(100, 10);
  EXPECT_TRUE(of<core::SendBatch>(submit({1})).empty());
  EXPECT_EQ(turn_->next_close(now_), now_ + limits_.linger);
  now_ += limits_.linger;
  EXPECT_EQ(of<core::SendBatch>(run_rounds(*turn_, now_)).size(), 1U);
}

TEST_F(TurnTest, AFullQueueGoesOutThoughAGeneratorHasMoreToMake) {
  limits_.queue_msgs = 5;
  open(Generator::Settings{.count = 100, .rate = {}, .seed = 1});
  submit({1, 2, 3, 4, 5});
  EXPECT_FALSE(turn_->accepting());
  EXPECT_TRUE(of<core::SendBatch>(join(100, 10)).empty());
  EXPECT_EQ(turn_->next_close(now_), now_ + limits_.linger);
  now_ += limits_.linger;
  const auto sent = of<core::SendBatch>(run_rounds(*turn_, now_));
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].batch->msgs.size(), 5U);
  EXPECT_TRUE(turn_->accepting());
  // There is room again, so the next batch is whole.
  EXPECT_EQ(of<core::SendBatch>(join(101, 10)).at(0).batch->msgs.size(), 10U);
}

TEST_F(TurnTest, SaysWhatMustComeBeforeAnythingMoves) {
  open(Generator::Settings{.count = {}, .rate = 0.01, .seed = 1});
  EXPECT_EQ(turn_->waits_for(), WaitsFor::nothing);
  submit({1});
  EXPECT_EQ(turn_->waits_for(), WaitsFor::client);
  join(100, 1);
  EXPECT_EQ(turn_->waits_for(), WaitsFor::nothing);
  report({id_of(1)});
  EXPECT_EQ(turn_->waits_for(), WaitsFor::rate);
}

// A pause that was forgotten is not to look healthy, and what is not due yet lacks nobody.
TEST_F(TurnTest, SaysWhereAllWaitsForAResumeOrForItsDate) {
  open();
  core::Submitted later{++requests_, {{id_of(1), 1, {}}}};
  later.later.push_back({id_of(1), now_ + seconds{3600}});
  (void)happen(std::move(later));
  EXPECT_EQ(turn_->waits_for(), WaitsFor::nothing);
  core::Submitted mail{++requests_, {{id_of(2), 1, {}}, {id_of(3), 1, {}}}};
  mail.queues = {"mail"};
  (void)happen(std::move(mail));
  EXPECT_EQ(turn_->waits_for(), WaitsFor::client);
  (void)happen(core::PauseAsked{++requests_, "mail"});
  EXPECT_EQ(turn_->waits_for(), WaitsFor::resume);
  open();  // a restart knows it
  EXPECT_EQ(turn_->waits_for(), WaitsFor::resume);
  (void)submit({4, 5});
  EXPECT_EQ(turn_->waits_for(), WaitsFor::client);  // for those
  (void)join(100, 1);
  EXPECT_EQ(turn_->waits_for(), WaitsFor::nothing);
  (void)happen(core::ClientJoined{id_of(101), 1, false, {}, {"mail"}});
  EXPECT_EQ(turn_->waits_for(), WaitsFor::resume);
  (void)happen(core::PauseAsked{++requests_, "mail", false});
  EXPECT_EQ(turn_->waits_for(), WaitsFor::nothing);
  (void)happen(core::PauseAsked{++requests_, "mail"});
  EXPECT_EQ(turn_->waits_for(), WaitsFor::nothing);  // its client is busy, and others have work
  core::BulkAsked all;
  all.what = core::BulkAsked::What::forget_waiting;
  now_ += seconds{1};
  (void)happen(std::move(all));
  EXPECT_EQ(turn_->waits_for(), WaitsFor::nothing);
}

TEST_F(TurnTest, WhoTakesOneBatchEachMissesNothing) {
  open();
  submit({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
  std::vector<core::CloseStream> closed;
  for (std::uint16_t worker = 100; worker < 116; ++worker) {
    const auto sent =
        of<core::SendBatch>(happen(core::ClientJoined{id_of(worker), 1, false, worker % 2 + 1U}));
    ASSERT_EQ(sent.size(), 1U);
    core::Reported reported;
    reported.batch = sent[0].batch->id;
    reported.ids = {sent[0].batch->msgs.at(0).msg.id};
    reported.last = worker % 2 == 1;  // of a client that asked for two
    for (auto& close : of<core::CloseStream>(happen(std::move(reported)))) {
      EXPECT_TRUE(close.complete);
      closed.push_back(close);
    }
    happen(core::ClientLost{id_of(worker)});  // as the stream's end tells
  }
  EXPECT_EQ(closed.size(), 16U);
  const core::Counts& counts = turn_->dispatcher().counts();
  EXPECT_EQ(counts.reported, 16U);
  EXPECT_EQ(counts.sent, 16U);
  EXPECT_EQ(counts.clients_lost, 0U);
  EXPECT_EQ(counts.clients_free + counts.clients_busy, 0U);
}

TEST_F(TurnTest, ABacklogBeyondTheWindowIsDeliveredWholeAndInOrder) {
  limits_.window_msgs = 16;
  limits_.batchsize = 8;
  open();
  // In requests of several, each in no order and among the msgs of others.
  for (std::uint16_t first = 1; first <= 10; ++first) {
    std::vector<std::uint16_t> numbers;
    for (std::uint16_t i = 0; i < 20; ++i) {
      numbers.push_back(static_cast<std::uint16_t>((i * 7 % 20) * 10 + (first * 3 % 10) + 1));
    }
    submit(std::move(numbers));
  }
  EXPECT_EQ(store_->counts().queue, 200U);
  std::vector<Xid> delivered;
  auto sent = of<core::SendBatch>(join(5000, 7));
  while (!sent.empty()) {
    std::vector<Xid> ids;
    for (const auto& msg : sent.at(0).batch->msgs) ids.push_back(msg.msg.id);
    delivered.insert(delivered.end(), ids.begin(), ids.end());
    auto outgoing = report(ids);
    sent = of<core::SendBatch>(outgoing);
    if (sent.empty()) {
      now_ += limits_.linger;
      sent = of<core::SendBatch>(run_rounds(*turn_, now_));
    }
  }
  ASSERT_EQ(delivered.size(), 200U);
  for (std::uint16_t number = 1; number <= 200; ++number) {
    EXPECT_EQ(delivered[number - 1], id_of(number));
  }
}

// Dates never go back, so it would stay in all records until a restart.
TEST_F(TurnTest, AClockPastTheEndOfDatesChangesNoDate) {
  open();
  submit({1, 2});
  turn_->take(core::ClockRead{seconds{5}}, now_);
  EXPECT_EQ(of<core::SendBatch>(join(100, 1)).at(0).batch->granted_at, now_ + seconds{5});
  turn_->take(core::ClockRead{core::XidFactory::kEndOfDates - now_}, now_);
  EXPECT_EQ(of<core::SendBatch>(join(101, 1)).at(0).batch->granted_at, now_ + seconds{5});
}

TEST_F(TurnTest, ARestartGivesEveryHeldBatchItsGraceAgain) {
  open();
  submit({1});
  join(100, 1);
  open();
  join(101, 1);
  now_ += limits_.timing.drop_grace - milliseconds{1};
  EXPECT_TRUE(of<core::SendBatch>(run_rounds(*turn_, now_)).empty());
  now_ += milliseconds{1};
  const auto sent = of<core::SendBatch>(run_rounds(*turn_, now_));
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].batch->msgs.at(0).attempt(), 2);
}

}  // namespace
}  // namespace pena::turn::test
