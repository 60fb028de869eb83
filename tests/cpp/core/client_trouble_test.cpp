// The client's machine at servers that are foreign, busy or away.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/client_logic.hpp"
#include "sample.hpp"

namespace pena::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::id_of;
using test::kServerMs;
using Actions = std::vector<ClientAction>;

template <class Kind>
std::vector<Kind> of(const Actions& actions) {
  std::vector<Kind> found;
  for (const ClientAction& action : actions) {
    if (const auto* kind = std::get_if<Kind>(&action)) found.push_back(*kind);
  }
  return found;
}

class ClientTroubleTest : public testing::Test {
 protected:
  void make(std::optional<std::uint64_t> max_batches = std::nullopt) {
    ClientRules rules;
    rules.batchsize = rules.max_running = 3;
    rules.max_batches = max_batches;
    rules.server = "http://there";
    logic_.emplace(rules);
    (void)logic_->start();
  }
  Actions happen(const ClientEvent& event) { return logic_->step(event, now_); }
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
  Actions answer(unsigned status, std::optional<Duration> retry_after = std::nullopt) {
    return happen(ReportTried{now_, status, {}, retry_after, std::to_string(status) + ": no"});
  }
  static std::vector<std::string> warnings(const Actions& actions) {
    std::vector<std::string> found;
    for (const Say& line : of<Say>(actions)) {
      if (line.level != LogLevel::debug && !line.text.starts_with("an event that is no msg")) {
        found.push_back(line.text);
      }
    }
    return found;
  }
  static SendReport only_report(const Actions& actions) {
    const auto reports = of<SendReport>(actions);
    EXPECT_EQ(reports.size(), 1U);
    return reports.empty() ? SendReport{} : reports.front();
  }

  Instant now_ = from_us(1'000'000'000);
  std::optional<ClientLogic> logic_;
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
  (void)happen(StreamClosed{});
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
    const SendReport again = only_report(answer(status));
    EXPECT_EQ(again.number, first.number) << status;
    EXPECT_EQ(again.form, ReportForm::whole);
    (void)answer(200);
    EXPECT_EQ(logic_->counts().batches, 1U) << status;
  }
}

TEST_F(ClientTroubleTest, TheWaitsGrowAndDiffer) {
  const RetryRules rules;
  make();
  open();
  (void)work(2);
  Duration most = rules.first;
  Duration longest{};
  std::set<Duration> waits;
  for (int i = 0; i < 12; ++i) {
    const Duration wait = only_report(answer(503)).after;
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
  open();
  (void)work(2);
  const Duration asked = only_report(answer(429, seconds{7})).after;
  EXPECT_GE(asked, seconds{7});
  EXPECT_LE(asked, seconds{7} + rules.first);
  const Duration too_long = only_report(answer(429, std::chrono::hours{24})).after;
  EXPECT_GE(too_long, rules.retry_after_most);
  EXPECT_LE(too_long, rules.retry_after_most + rules.most);
  EXPECT_LE(only_report(answer(429, seconds{-5})).after, rules.most);
  const auto opens = of<OpenStream>(happen(StreamClosed{"503: full", 503, seconds{9}}));
  ASSERT_EQ(opens.size(), 1U);
  EXPECT_GE(opens[0].after, seconds{9});
}

TEST_F(ClientTroubleTest, AStopDoesNotWaitForTheNextTry) {
  make();
  open();
  (void)work(2);
  EXPECT_GE(only_report(answer(429, seconds{20})).after, seconds{20});
  const SendReport hurried = only_report(happen(StopAsked{}));
  EXPECT_EQ(hurried.after, Duration::zero());
  EXPECT_EQ(of<EndClient>(answer(200)).size(), 1U);
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
            "the reports of 1 msgs were not answered in time, so the server may send them again");
}

// ---- what is said

TEST_F(ClientTroubleTest, ThatItCannotConnectIsSaidOnceAndThatItCanAgain) {
  make();
  const auto said = of<Say>(happen(StreamClosed{"Connection refused", 0, {}}));
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].level, LogLevel::warning);
  EXPECT_EQ(said[0].text,
            "no stream from http://there: Connection refused; trying again until there is one");
  for (int i = 0; i < 5; ++i) {
    for (const Say& more : of<Say>(happen(StreamClosed{"Connection refused", 0, {}}))) {
      EXPECT_EQ(more.level, LogLevel::debug);
    }
  }
  const auto back = of<Say>(happen(StreamOpened{now_, {}}));
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(back[0].level, LogLevel::info);
  EXPECT_EQ(back[0].text, "there is a stream from http://there");
  // That a stream ends is usual.
  for (const Say& line : of<Say>(happen(StreamClosed{"it ended", 0, {}}))) {
    EXPECT_EQ(line.level, LogLevel::debug);
  }
  EXPECT_TRUE(of<Say>(happen(StreamOpened{now_, {}})).empty());
}

TEST_F(ClientTroubleTest, ThatThereIsNoStreamIsSaidAgainForAnotherReason) {
  make();
  EXPECT_EQ(warnings(happen(StreamClosed{"200 with Content-Type text/html", 0, {}})).size(), 1U);
  EXPECT_EQ(warnings(happen(StreamClosed{"Connection refused", 0, {}})).size(), 1U);
  EXPECT_EQ(warnings(happen(StreamClosed{"503: it is 5 to 12", 503, {}})).size(), 1U);
  EXPECT_EQ(warnings(happen(StreamClosed{"503: it is 4 to 12", 503, {}})).size(), 0U);
}

TEST_F(ClientTroubleTest, StreamsThatEndAtOnceWithoutAMsgAreSaidOnceAndAskedForEverLess) {
  const RetryRules rules;
  make();
  Actions all;
  Duration waited{};
  for (int i = 0; i < 20; ++i) {
    open();  // a stamp is no msg
    (void)happen(StrangeArrived{R"({"error":"log in"})", {}});
    const Actions ended = happen(StreamClosed{"the stream ended", 0, {}});
    all.insert(all.end(), ended.begin(), ended.end());
    waited += of<OpenStream>(ended).at(0).after;
  }
  EXPECT_GT(waited, 4 * rules.most);
  EXPECT_EQ(warnings(all), std::vector<std::string>{
                               "the streams from http://there end at once and bring no msg: the "
                               "stream ended; trying again until one does"});
  open();
  const auto said = of<Say>(happen(MsgArrived{id_of(1), 5, {}}));
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].text, "a stream from http://there brings msgs");
  EXPECT_LE(of<OpenStream>(happen(StreamClosed{})).at(0).after, rules.first);
}

TEST_F(ClientTroubleTest, AStreamThatLastsIsAGoodOneThoughItBringsNothing) {
  const RetryRules rules;
  make();
  for (int i = 0; i < 10; ++i) {
    open_abroad();
    now_ += seconds{2};
    const Actions ended = happen(StreamClosed{"the stream ended", 0, {}});
    EXPECT_TRUE(warnings(ended).empty());
    EXPECT_LE(of<OpenStream>(ended).at(0).after, rules.first);
  }
}

TEST_F(ClientTroubleTest, StreamsThatCannotBeReadOnAreSaidOnceAndAskedForEverLess) {
  const RetryRules rules;
  make();
  Actions all;
  Duration waited{};
  for (int i = 0; i < 20; ++i) {
    open_abroad();
    now_ += seconds{20};
    const Actions ended = happen(StreamClosed{"a line is too long", 0, {}, true});
    all.insert(all.end(), ended.begin(), ended.end());
    waited += of<OpenStream>(ended).at(0).after;
  }
  EXPECT_GT(waited, 4 * rules.most);
  EXPECT_EQ(warnings(all),
            std::vector<std::string>{"no stream from http://there: a line is too long; trying "
                                     "again until there is one"});
}

TEST_F(ClientTroubleTest, ThatNoAnswerComesIsSaidBeforeItIsTriedAgain) {
  make();
  EXPECT_EQ(warnings(happen(StreamUnanswered{seconds{5}, "no answer within 30 s"})),
            std::vector<std::string>{"no stream from http://there: no answer for 5 s; trying again "
                                     "where there is no answer within 30 s"});
  EXPECT_TRUE(warnings(happen(StreamClosed{"no answer within 30 s", 0, {}})).empty());
  EXPECT_TRUE(warnings(happen(StreamUnanswered{seconds{5}, "no answer within 30 s"})).empty());
  EXPECT_EQ(warnings(happen(StreamClosed{"Connection refused", 0, {}})).size(), 1U);
  EXPECT_EQ(of<Say>(happen(StreamOpened{now_, {}})).at(0).text,
            "there is a stream from http://there");
}

TEST_F(ClientTroubleTest, ThatAReportIsNotTakenIsSaidOnce) {
  make();
  open();
  (void)work(2);
  const auto said = of<Say>(answer(429));
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].text, "a report was not taken, so it is sent again: 429: no");
  EXPECT_TRUE(of<Say>(answer(429)).empty());
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
  logic_.emplace(rules);
  EXPECT_EQ(of<OpenStream>(logic_->start()).at(0).batches, 3U);
  open();
  (void)work(1);
  (void)answer(200);
  EXPECT_EQ(of<OpenStream>(happen(StreamClosed{})).at(0).batches, 2U);
}

TEST_F(ClientTroubleTest, AStreamThatEndsWithTheLastReportIsNotLost) {
  make(1);
  open();
  (void)work(1);
  // The server ends the stream, and the answer comes later.
  const Actions ended = happen(StreamClosed{"the stream ended", 0, {}});
  EXPECT_TRUE(of<OpenStream>(ended).empty());
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
  EXPECT_TRUE(of<OpenStream>(happen(StreamClosed{})).empty());
  (void)only_report(happen(WorkStopped{id_of(2)}));
  EXPECT_EQ(of<EndClient>(answer(200)).size(), 1U);
}

TEST_F(ClientTroubleTest, AnotherStreamIsOpenedWhereTheLastReportWasRefused) {
  make(1);
  open();
  (void)work(1);
  (void)happen(StreamClosed{"the stream ended", 0, {}});
  const auto opens = of<OpenStream>(answer(404));
  ASSERT_EQ(opens.size(), 1U);
  EXPECT_EQ(opens[0].batches, 1U);
}

}  // namespace
}  // namespace pena::core
