// The client's machine at servers that are foreign, busy or away.
#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "client_test.hpp"

namespace pena::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::id_of;
using test::kServerMs;

class ClientTroubleTest : public test::ClientTest {
 protected:
  void make(std::optional<std::uint64_t> max_batches = std::nullopt) {
    ClientRules rules;
    rules.batchsize = rules.max_running = 3;
    rules.max_batches = max_batches;
    rules.server = "http://there";
    (void)start(rules);
  }
  void open() {
    (void)happen(StreamOpened{now_, {}});
    (void)happen(NoteArrived{std::nullopt, 0, kServerMs, {}});
  }
  // Of a foreign server, that promises nothing.
  void open_abroad() { (void)happen(StreamOpened{now_, {}, false, false}); }
  // The report of a batch of so many msgs, all of them done.
  Actions work(std::uint8_t count, std::optional<Xid> batch = id_of(100)) {
    if (batch) (void)happen(NoteArrived{batch, count, kServerMs, {}});
    Actions last;
    for (std::uint8_t i = 1; i <= count; ++i) (void)happen(MsgArrived{id_of(i), 5, batch});
    for (std::uint8_t i = 1; i <= count; ++i) last = happen(WorkEnded{id_of(i)});
    return last;
  }
};

// ---- what nobody promised

TEST_F(ClientTroubleTest, NoSilenceIsTooLongWhereNoneWasPromised) {
  make();
  open_abroad();
  EXPECT_EQ(logic_->next_timeout(), std::nullopt);
  (void)happen(MsgArrived{id_of(1), 5, std::nullopt});
  now_ += std::chrono::hours{24};
  EXPECT_TRUE(happen(ClientTimeReached{}).empty());
  (void)happen(MsgArrived{id_of(2), 5, std::nullopt});
  EXPECT_EQ(logic_->counts().received, 2U);
  EXPECT_EQ(logic_->counts().stream_losses, 0U);
}

TEST_F(ClientTroubleTest, NoBatchTakesTooLongWhereNoLeaseWasPromised) {
  make();
  open_abroad();
  (void)happen(NoteArrived{id_of(100), 1, kServerMs, {}});
  (void)happen(MsgArrived{id_of(1), 5, id_of(100)});
  now_ += std::chrono::hours{1};
  EXPECT_TRUE(of<StopWork>(happen(ClientTimeReached{})).empty());
}

TEST_F(ClientTroubleTest, TheNoteOfABatchMayPromiseALease) {
  make();
  open_abroad();
  (void)happen(NoteArrived{id_of(100), 1, kServerMs, seconds{5}});
  (void)happen(MsgArrived{id_of(1), 5, id_of(100)});
  now_ += seconds{5};
  EXPECT_EQ(of<StopWork>(happen(ClientTimeReached{})).size(), 1U);
}

// ---- forms

TEST_F(ClientTroubleTest, A400IsFollowedByTheOtherForms) {
  make();
  open();
  EXPECT_EQ(only_report(work(2)).form, ReportForm::whole);
  const SendReport object = only_report(answer(400));
  EXPECT_EQ(object.form, ReportForm::object);
  EXPECT_EQ(object.report.ids.size(), 2U);
  EXPECT_EQ(only_report(answer(422)).form, ReportForm::array);
  const SendReport first = only_report(answer(415));
  EXPECT_EQ(first.form, ReportForm::single);
  EXPECT_EQ(first.report.ids, std::vector<Xid>{id_of(1)});
  EXPECT_EQ(only_report(answer(200)).report.ids, std::vector<Xid>{id_of(2)});
  EXPECT_EQ(logic_->counts().batches, 0U);
  EXPECT_TRUE(of<SendReport>(answer(200)).empty());
  EXPECT_EQ(logic_->counts().batches, 1U);
}

TEST_F(ClientTroubleTest, TheFormThatWasTakenIsTheFirstOfTheNextReport) {
  make();
  open_abroad();
  EXPECT_EQ(only_report(work(3, std::nullopt)).form, ReportForm::whole);
  // Without a batch that is an object already.
  EXPECT_EQ(only_report(answer(400)).form, ReportForm::array);
  const auto said = of<Say>(answer(200));
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].text, "the server takes reports as an array of ids only");
  EXPECT_EQ(only_report(work(3, std::nullopt)).form, ReportForm::array);
  EXPECT_TRUE(of<Say>(answer(200)).empty());
  // Another server may be behind the same address.
  (void)next<OpenStream>(happen(StreamClosed{}));
  open_abroad();
  EXPECT_EQ(only_report(work(3, std::nullopt)).form, ReportForm::whole);
}

TEST_F(ClientTroubleTest, WhatNoFormSaysIsGivenUpAloud) {
  make();
  open();
  (void)work(2);
  for (int form = 0; form < 3; ++form) (void)only_report(answer(400));
  const Actions last = answer(400);
  EXPECT_TRUE(of<SendReport>(last).empty());
  ASSERT_EQ(of<Say>(last).size(), 1U);
  EXPECT_EQ(of<Say>(last)[0].level, LogLevel::error);
  EXPECT_EQ(of<Say>(last)[0].text,
            "the server refused a report, so it is given up with its 2 msgs: 400: no");
  EXPECT_EQ(logic_->counts().batches, 0U);
}

TEST_F(ClientTroubleTest, OneStrangeIdDoesNotTakeTheOthersWithIt) {
  make();
  open();
  (void)work(3);
  for (int form = 0; form < 3; ++form) (void)answer(400);
  EXPECT_EQ(only_report(answer(200)).report.ids, std::vector<Xid>{id_of(2)});
  EXPECT_EQ(only_report(answer(400)).report.ids, std::vector<Xid>{id_of(3)});
  EXPECT_TRUE(of<SendReport>(answer(200)).empty());
  EXPECT_EQ(logic_->counts().batches, 1U);
}

TEST_F(ClientTroubleTest, AnAnswerThatIsNotAboutTheFormEndsAReportAndNotTheClient) {
  for (const unsigned status : {301U, 401U, 403U, 404U, 405U, 409U}) {
    make();
    open();
    (void)work(2);
    const Actions refused = answer(status);
    EXPECT_TRUE(of<SendReport>(refused).empty()) << status;
    EXPECT_TRUE(of<EndClient>(refused).empty()) << status;
    ASSERT_EQ(of<Say>(refused).size(), 1U) << status;
    EXPECT_TRUE(of<Say>(refused)[0].text.ends_with(
        "given up with its 2 msgs: " + std::to_string(status) + ": no"));
    EXPECT_EQ(only_report(work(2, id_of(101))).report.batch, id_of(101)) << status;
  }
}

// ---- again

TEST_F(ClientTroubleTest, AReportIsSentAgainWhereAMomentWasBad) {
  for (const unsigned status : {0U, 408U, 425U, 429U, 500U, 502U, 503U, 504U}) {
    make();
    open();
    const SendReport first = only_report(work(2));
    const SendReport again = next<SendReport>(answer(status)).first;
    EXPECT_NE(again.number, first.number) << status;
    EXPECT_EQ(again.form, ReportForm::whole);
    EXPECT_EQ(again.report.ids, first.report.ids) << status;
    (void)answer(200);
    EXPECT_EQ(logic_->counts().batches, 1U) << status;
  }
}

TEST_F(ClientTroubleTest, TheWaitsGrowAndDiffer) {
  const RetryRules rules;
  make();
  open_abroad();
  (void)work(2);
  Duration most = rules.first;
  Duration longest{};
  std::set<Duration> waits;
  for (int i = 0; i < 12; ++i) {
    const Duration wait = next<SendReport>(answer(503)).second;
    EXPECT_LE(wait, most);
    waits.insert(wait);
    longest = std::max(longest, wait);
    most = std::min(rules.most, most * 2);
  }
  EXPECT_GT(waits.size(), 10U);
  EXPECT_GT(longest, seconds{1});
}

TEST_F(ClientTroubleTest, RetryAfterIsHonouredWithinBounds) {
  const RetryRules rules;
  make();
  open_abroad();
  (void)work(2);
  const auto wait = [&](std::optional<Duration> retry_after) {
    return next<SendReport>(answer(429, retry_after)).second;
  };
  const Duration asked = wait(seconds{7});
  EXPECT_GE(asked, seconds{7});
  EXPECT_LE(asked, seconds{7} + rules.first);
  const Duration too_long = wait(std::chrono::hours{24});
  EXPECT_GE(too_long, rules.retry_after_most);
  EXPECT_LE(too_long, rules.retry_after_most + rules.most);
  EXPECT_LE(wait(seconds{-5}), rules.most);
  EXPECT_EQ(answer(200).size(), 1U);  // only a line
  EXPECT_GE(wait_for_stream(happen(StreamClosed{"503: full", 503, seconds{9}})), seconds{9});
}

TEST_F(ClientTroubleTest, AStopDoesNotWaitForTheNextTry) {
  make();
  open();
  (void)work(2);
  EXPECT_TRUE(of<SendReport>(answer(429, seconds{20})).empty());
  (void)only_report(happen(StopAsked{}));
  EXPECT_EQ(of<EndClient>(answer(200)).size(), 1U);
}

TEST_F(ClientTroubleTest, AnAnswerIsWaitedForTenSeconds) {
  make();
  open_abroad();
  const SendReport first = only_report(work(2));
  now_ += seconds{10} - milliseconds{1};
  EXPECT_TRUE(happen(ClientTimeReached{}).empty());
  EXPECT_EQ(logic_->next_timeout(), now_ + milliseconds{1});
  now_ += milliseconds{1};
  const Actions late = happen(ClientTimeReached{});
  EXPECT_EQ(of<AbandonReport>(late).size(), 1U);
  EXPECT_EQ(warnings(late),
            std::vector<std::string>{
                "a report was not taken, so it is sent again: no answer within 10 s"});
  const auto [again, wait] = next<SendReport>(late);
  EXPECT_LE(wait, RetryRules{}.first);
  EXPECT_EQ(again.report.ids, first.report.ids);
}

TEST_F(ClientTroubleTest, AnAnswerThatComesTooLateIsNotTakenForTheNewerTrys) {
  make();
  open_abroad();
  const SendReport first = only_report(work(2));
  now_ += seconds{10};
  const Actions late = happen(ClientTimeReached{});
  const auto too_late = [&](unsigned status) {
    return happen(ReportTried{first.number, now_, status, {}, {}, "late"});
  };
  EXPECT_TRUE(too_late(200).empty());  // while it waits for the next try
  (void)next<SendReport>(late);
  EXPECT_TRUE(too_late(404).empty());  // while that is under way
  EXPECT_EQ(logic_->counts().batches, 0U);
  (void)answer(200);
  EXPECT_TRUE(too_late(0).empty());  // and behind it
  EXPECT_EQ(logic_->counts().batches, 1U);
}

TEST_F(ClientTroubleTest, AStopSaysWhatItLeavesUnanswered) {
  make();
  open();
  (void)work(2);
  (void)work(3, id_of(101));
  EXPECT_TRUE(warnings(happen(StopAsked{})).empty());
  now_ += seconds{1};
  const Actions last = happen(ClientTimeReached{});
  EXPECT_EQ(warnings(last),
            std::vector<std::string>{"the reports of 5 msgs were not answered in time, so the "
                                     "server may send them again"});
  EXPECT_EQ(of<EndClient>(last).size(), 1U);
  // All of them answered, and one of two, by itself.
  make();
  open();
  (void)work(2);
  (void)happen(StopAsked{});
  EXPECT_TRUE(warnings(answer(200)).empty());
  make();
  open();
  (void)work(2);
  for (int form = 0; form < 3; ++form) (void)answer(400);
  (void)answer(200);
  (void)happen(StopAsked{});
  now_ += seconds{1};
  EXPECT_EQ(warnings(happen(ClientTimeReached{})).at(0),
            "the reports of 1 msg were not answered in time, so the server may send them again");
}

// ---- what is said

TEST_F(ClientTroubleTest, ThatAReportIsNotTakenIsSaidOnce) {
  make();
  open();
  (void)work(2);
  const auto said = of<Say>(answer(429));
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].text, "a report was not taken, so it is sent again: 429: no");
  (void)next<SendReport>({});
  const Actions again = answer(429);
  EXPECT_TRUE(of<Say>(again).empty());
  (void)next<SendReport>(again);
  EXPECT_EQ(of<Say>(answer(200)).size(), 1U);
}

TEST_F(ClientTroubleTest, EventsThatAreNoMsgsAreSaidOnceAndCounted) {
  make();
  open();
  const auto said = of<Say>(happen(StrangeArrived{std::string(5000, 'x'), {}}));
  ASSERT_EQ(said.size(), 1U);
  EXPECT_LT(said[0].text.size(), 300U);
  EXPECT_TRUE(happen(StrangeArrived{"pong", {}}).empty());
  EXPECT_EQ(logic_->counts().ignored, 2U);
}

TEST_F(ClientTroubleTest, AnEventThatIsNoMsgIsOneLine) {
  make();
  open();
  const auto said = of<Say>(happen(StrangeArrived{"\x1b[2J\nall is well", {}}));
  ASSERT_EQ(said.size(), 1U);
  EXPECT_TRUE(said[0].text.ends_with(": \\x1b[2J\\nall is well")) << said[0].text;
}

TEST_F(ClientTroubleTest, ABatchDoesNotWaitForAnEventThatIsNoMsg) {
  make();
  open();
  (void)happen(NoteArrived{id_of(100), 2, kServerMs, {}});
  (void)happen(MsgArrived{id_of(1), 5, id_of(100)});
  (void)happen(StrangeArrived{"{", id_of(100)});
  EXPECT_EQ(only_report(happen(WorkEnded{id_of(1)})).report.ids, std::vector<Xid>{id_of(1)});
}

// ---- so many batches and no more

TEST_F(ClientTroubleTest, AStreamIsAskedForAsManyBatchesAsAreLeft) {
  ClientRules rules;
  rules.max_batches = 3;
  EXPECT_EQ(of<OpenStream>(start(rules)).at(0).batches, 3U);
  open();
  (void)work(1);
  (void)answer(200);
  EXPECT_EQ(next<OpenStream>(happen(StreamClosed{})).first.batches, 2U);
}

TEST_F(ClientTroubleTest, AStreamThatEndsWithTheLastReportIsNotLost) {
  make(1);
  open();
  (void)work(1);
  // The server ends the stream, and the answer comes later.
  const Actions ended = happen(StreamClosed{"the stream ended", 0, {}});
  EXPECT_TRUE(ended.empty());
  now_ += seconds{5};
  EXPECT_TRUE(happen(ClientTimeReached{}).empty());
  EXPECT_EQ(logic_->counts().stream_losses, 0U);
  EXPECT_EQ(of<EndClient>(answer(200)).at(0).reason, ClientEndReason::batches_done);
}

TEST_F(ClientTroubleTest, NoOtherStreamIsOpenedForABatchThatIsStillToBeReported) {
  make(1);
  open();
  (void)happen(NoteArrived{id_of(100), 2, kServerMs, {}});
  (void)happen(MsgArrived{id_of(1), 5, id_of(100)});
  (void)happen(MsgArrived{id_of(2), 500, id_of(100)});
  (void)happen(WorkEnded{id_of(1)});
  (void)happen(StreamClosed{});
  EXPECT_EQ(logic_->next_timeout(), std::nullopt);
  (void)only_report(happen(WorkStopped{id_of(2)}));
  EXPECT_EQ(of<EndClient>(answer(200)).size(), 1U);
}

TEST_F(ClientTroubleTest, AnotherStreamIsOpenedWhereTheLastReportWasRefused) {
  make(1);
  open();
  (void)work(1);
  (void)happen(StreamClosed{"the stream ended", 0, {}});
  EXPECT_EQ(next<OpenStream>(answer(404)).first.batches, 1U);
}

}  // namespace
}  // namespace pena::core
