// What a worker reports, and what follows from each answer (core/worker_reports.hpp).
#include "worker_test.hpp"

namespace pena::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::id_of;

class WorkerReportsTest : public test::WorkerTest {
 protected:
  // As many slots run a batch of as many msgs, from 1.
  void run(std::uint32_t msgs, std::size_t report_bytes = 256 * 1024) {
    WorkerRules rules;
    rules.slots = msgs;
    rules.report_bytes = report_bytes;
    (void)start(rules);
    (void)open();
    std::vector<std::size_t> ids;
    for (std::size_t msg = 1; msg <= msgs; ++msg) ids.push_back(msg);
    (void)batch(1, 1, ids);
  }
  // The first report is under way with msg 1, and all others finish meanwhile.
  void finish_all(std::uint32_t msgs) {
    for (std::size_t msg = 1; msg <= msgs; ++msg) {
      EXPECT_EQ(of<PostReport>(end(msg, RunDone{std::to_string(msg)})).size(), msg == 1 ? 1U : 0U);
    }
  }
};

TEST_F(WorkerReportsTest, WhatHasFinishedIsReportedAtOnce) {
  run(3);
  const auto report = only<PostReport>(end(2, RunDone{R"({"width":640})"})).report;
  EXPECT_EQ(report.batch, batch_id(1));
  EXPECT_EQ(report.ids, std::vector<Xid>{id_of(2)});
  ASSERT_EQ(report.results.size(), 1U);
  EXPECT_EQ(report.results[0].id, id_of(2));
  EXPECT_EQ(report.results[0].json, R"({"width":640})");
  EXPECT_TRUE(report.partial);
  EXPECT_FALSE(report.last);
}

TEST_F(WorkerReportsTest, ADoneMsgWithoutAResultHasNone) {
  run(2);
  EXPECT_TRUE(only<PostReport>(end(1)).report.results.empty());
}

TEST_F(WorkerReportsTest, AFailureSaysWhyAndWhenItIsToBeTriedAgain) {
  run(3);
  const auto report = only<PostReport>(end(1, RunFailed{"no luck", Duration{seconds{9}}})).report;
  ASSERT_EQ(report.failed.size(), 1U);
  EXPECT_EQ(report.failed[0].id, id_of(1));
  EXPECT_EQ(report.failed[0].error, "no luck");
  EXPECT_EQ(report.failed[0].retry_in, Duration{seconds{9}});
  EXPECT_FALSE(report.failed[0].final);
  EXPECT_TRUE(report.ids.empty());
}

TEST_F(WorkerReportsTest, WhatNoServerTakesIsNotSaidOfAFailure) {
  run(4);
  const auto final =
      only<PostReport>(end(1, RunFailed{"no", Duration{seconds{9}}, true})).report.failed.at(0);
  EXPECT_TRUE(final.final);
  EXPECT_EQ(final.retry_in, std::nullopt);
  (void)end(2, RunFailed{"no", Duration{seconds{-1}}});
  (void)end(3, RunFailed{"no", Duration::max()});
  const auto failed = only<PostReport>(answer(200)).report.failed;
  EXPECT_EQ(failed.at(0).retry_in, Duration::zero());
  EXPECT_EQ(failed.at(1).retry_in, kLongestTime);
}

TEST_F(WorkerReportsTest, AnErrorIsCutWhereItIsLongerThanAnyServerKeeps) {
  run(2);
  const auto report = only<PostReport>(end(1, RunFailed{std::string(100'000, 'x')})).report;
  EXPECT_LE(report.failed.at(0).error.size(), 16U * 1024U);
  EXPECT_GT(report.failed.at(0).error.size(), 16'000U);
}

TEST_F(WorkerReportsTest, OneReportOfABatchIsUnderWayAndTheNextHasAllSince) {
  run(4);
  finish_all(4);
  const auto report = only<PostReport>(answer(200)).report;
  EXPECT_EQ(report.ids, (std::vector<Xid>{id_of(2), id_of(3), id_of(4)}));
  EXPECT_EQ(report.results.size(), 3U);
  (void)answer(200);
  EXPECT_EQ(logic_->counts().reported, 4U);
}

TEST_F(WorkerReportsTest, TwoBatchesReportSideBySide) {
  (void)start(2);
  (void)open();
  (void)batch(1, 1, {1});
  (void)next<OpenWorkerStream>();
  (void)open();
  (void)batch(2, 2, {2});
  EXPECT_EQ(only<PostReport>(end(1)).report.batch, batch_id(1));
  EXPECT_EQ(only<PostReport>(end(2)).report.batch, batch_id(2));
}

TEST_F(WorkerReportsTest, AReportThatFailsIsSentAgainWithWhatHasFinishedSince) {
  run(3);
  (void)end(1);
  (void)end(2, RunFailed{"no"});
  const Actions failed = answer(503);
  EXPECT_TRUE(of<PostReport>(failed).empty());
  EXPECT_EQ(lines(failed),
            std::vector<std::string>{"a report was not taken, so it is sent again: 503: no"});
  const auto [again, waited] = next<PostReport>();
  EXPECT_LE(waited, milliseconds{100});
  EXPECT_EQ(again.report.ids, std::vector<Xid>{id_of(1)});
  EXPECT_EQ(again.report.failed.size(), 1U);
  EXPECT_EQ(lines(answer(200)), std::vector<std::string>{"the server takes reports again"});
}

TEST_F(WorkerReportsTest, AFailureIsSaidOnceHoweverManyFollow) {
  run(2);
  (void)end(1);
  std::size_t said = 0;
  for (int times = 0; times < 8; ++times) {
    said += lines(answer(503)).size();
    (void)next<PostReport>();
  }
  EXPECT_EQ(said, 1U);
}

TEST_F(WorkerReportsTest, TheWaitsGrowUpToTheirBoundAndBeginAnew) {
  run(2);
  (void)end(1);
  Duration longest{};
  for (int times = 0; times < 12; ++times) {
    (void)answer(500);
    const Duration waited = next<PostReport>().second;
    EXPECT_LE(waited, std::min<Duration>(milliseconds{100} * (1 << times), seconds{5}));
    longest = std::max(longest, waited);
    (void)beat(1);
  }
  EXPECT_GT(longest, seconds{1});
  (void)answer(200);
  (void)end(2);
  (void)answer(500);
  EXPECT_LE(next<PostReport>().second, milliseconds{100});
}

TEST_F(WorkerReportsTest, ItIsNotSentSoonerThanTheServerAskedFor) {
  run(2);
  (void)end(1);
  (void)answer(429, seconds{2});
  EXPECT_TRUE(of<PostReport>(end(2)).empty());
  const auto [again, waited] = next<PostReport>();
  EXPECT_GE(waited, seconds{2});
  EXPECT_EQ(again.report.ids.size(), 2U);
}

TEST_F(WorkerReportsTest, OneThatIsNotAnsweredIsAbandonedAndWhatItStillBringsIsNothing) {
  run(2);
  (void)end(1);
  const std::uint64_t first = post_;
  for (int second = 0; second < 9; ++second) {
    (void)pass(seconds{1});
    (void)beat(1);
  }
  const auto [abandoned, waited] = next<AbandonPost>();
  EXPECT_EQ(abandoned.number, first);
  EXPECT_EQ(waited, seconds{1});
  EXPECT_TRUE(answer(first, 409).empty());
  const auto again = next<PostReport>().first;
  EXPECT_NE(again.number, first);
  EXPECT_EQ(again.report.ids, std::vector<Xid>{id_of(1)});
  EXPECT_EQ(logic_->counts().too_late, 0U);
}

TEST_F(WorkerReportsTest, A409IsNo200) {
  run(2);
  (void)end(1);
  const Actions over = answer(409);
  EXPECT_EQ(logic_->counts().reported, 0U);
  EXPECT_EQ(logic_->counts().too_late, 1U);
  EXPECT_EQ(of<CancelRun>(over).size(), 1U);
  EXPECT_TRUE(of<PostReport>(pass(seconds{1})).empty());  // to report it again changes nothing
}

TEST_F(WorkerReportsTest, WhatIsTooLargeIsHalvedAndTheRestFollows) {
  run(8);
  finish_all(8);
  EXPECT_EQ(only<PostReport>(answer(200)).report.ids.size(), 7U);
  EXPECT_EQ(only<PostReport>(answer(413)).report.ids.size(), 3U);
  EXPECT_EQ(only<PostReport>(answer(413)).report.ids.size(), 1U);
  // As it is taken, the next may be larger again.
  EXPECT_EQ(only<PostReport>(answer(200)).report.ids.size(), 2U);
  EXPECT_EQ(only<PostReport>(answer(200)).report.ids.size(), 4U);
  (void)answer(200);
  EXPECT_EQ(logic_->counts().reported, 8U);
}

TEST_F(WorkerReportsTest, TheLastReportIsThatWithWhichAllIsSaid) {
  run(8);
  finish_all(8);
  (void)answer(200);
  (void)happen(WorkerStopAsked{});
  EXPECT_FALSE(only<PostReport>(answer(413)).report.last);
  EXPECT_TRUE(only<PostReport>(answer(200)).report.last);
}

TEST_F(WorkerReportsTest, AResultThatIsTooLargeByItselfMakesItsMsgFail) {
  run(2);
  (void)end(1, RunDone{R"("large")"});
  const Actions cut = answer(413);
  EXPECT_EQ(lines(cut), std::vector<std::string>{
                            "the result of a msg was not taken, so it has failed: 413: no"});
  const auto report = only<PostReport>(cut).report;
  EXPECT_TRUE(report.ids.empty() && report.results.empty());
  ASSERT_EQ(report.failed.size(), 1U);
  EXPECT_EQ(report.failed[0].error, "its result was not taken: 413: no");
  EXPECT_TRUE(report.failed[0].final);
  // Nothing is left to be made smaller.
  const Actions given_up = answer(413);
  EXPECT_EQ(lines(given_up),
            std::vector<std::string>{
                "the server refused a report, so it is given up with its 1 msg: 413: no"});
  EXPECT_TRUE(of<PostReport>(pass(seconds{1})).empty());
}

TEST_F(WorkerReportsTest, OfManyTheOneThatIsTooLargeAloneFails) {
  run(4);
  finish_all(4);
  (void)answer(200);
  // 2, 3 and 4 are under way.
  std::vector<Xid> failed;
  for (int tries = 0; tries < 10 && logic_->counts().reported < 4; ++tries) {
    for (const FailedId& one : report_.failed) failed.push_back(one.id);
    (void)answer(std::ranges::count(report_.ids, id_of(3)) > 0 ? 413 : 200);
  }
  EXPECT_EQ(logic_->counts().reported, 4U);
  EXPECT_EQ(failed, std::vector<Xid>{id_of(3)});
}

TEST_F(WorkerReportsTest, ResultsOfOneReportHaveTheirBytes) {
  run(4, 100);
  (void)end(1, RunDone{std::string(60, '1')});
  (void)end(2, RunDone{std::string(60, '2')});
  (void)end(3, RunDone{std::string(200, '3')});
  (void)end(4, RunDone{});
  EXPECT_EQ(only<PostReport>(answer(200)).report.ids, std::vector<Xid>{id_of(2)});
  EXPECT_EQ(only<PostReport>(answer(200)).report.ids, std::vector<Xid>{id_of(3)});
  EXPECT_EQ(only<PostReport>(answer(200)).report.ids, std::vector<Xid>{id_of(4)});
}

// ---- what is told of the runs

// As "run fate: why".
std::vector<std::string> settled(const std::vector<RunSettled>& runs) {
  const std::map<RunFate, std::string> words{{RunFate::taken, "taken"},
                                             {RunFate::not_taken_as_result, "failed"},
                                             {RunFate::too_late, "too late"},
                                             {RunFate::refused, "refused"}};
  std::vector<std::string> told;
  for (const RunSettled& run : runs) {
    told.push_back(std::to_string(run.run) + " " + words.at(run.fate) + ": " + run.why);
  }
  return told;
}
using Told = std::vector<std::string>;

TEST_F(WorkerReportsTest, ARunIsSettledOnceItsReportIsAnswered) {
  run(3);
  EXPECT_EQ(settled(of<RunSettled>(end(1))), Told{});
  (void)end(2, RunFailed{"no"});
  EXPECT_EQ(settled(of<RunSettled>(answer(503))), Told{});
  (void)pass(seconds{1});
  EXPECT_EQ(settled(of<RunSettled>(answer(200))), (Told{"1 taken: ", "2 taken: "}));
  (void)end(3);
  EXPECT_EQ(settled(of<RunSettled>(answer(403))), Told{"3 refused: 403: no"});
}

TEST_F(WorkerReportsTest, ARunWhoseResultIsNotTakenIsToldToHaveFailed) {
  run(2);
  (void)end(1, RunDone{R"("large")"});
  EXPECT_EQ(settled(of<RunSettled>(answer(413))), Told{});
  EXPECT_EQ(settled(of<RunSettled>(answer(200))),
            Told{"1 failed: its result was not taken: 413: no"});
  (void)end(2, RunFailed{"long"});
  (void)answer(413);
  // It has failed as it was to, for another reason.
  EXPECT_EQ(settled(of<RunSettled>(answer(200))), Told{"2 taken: "});
}

TEST_F(WorkerReportsTest, ARunThatWasTooLateIsToldSo) {
  run(2);
  (void)end(1);
  EXPECT_EQ(settled(of<RunSettled>(answer(409))), Told{"1 too late: 409: no"});
  EXPECT_EQ(settled(of<RunSettled>(end(2))), Told{"2 too late: its batch was over"});
}

TEST_F(WorkerReportsTest, AnyOtherRefusalGivesUpWhatIsNamedAndNoMore) {
  run(3);
  (void)end(1);
  (void)end(2);
  const Actions refused = answer(403);
  EXPECT_EQ(lines(refused),
            std::vector<std::string>{
                "the server refused a report, so it is given up with its 1 msg: 403: no"});
  EXPECT_EQ(only<PostReport>(refused).report.ids, std::vector<Xid>{id_of(2)});
  EXPECT_TRUE(of<CancelRun>(refused).empty());
  (void)answer(200);
  EXPECT_EQ(only<PostReport>(end(3)).report.ids, std::vector<Xid>{id_of(3)});
  EXPECT_EQ(logic_->counts().reported, 1U);
}

TEST_F(WorkerReportsTest, OneResultThatIsNotTakenCostsNoOtherMsgItsReport) {
  for (const unsigned status : {400U, 413U, 422U}) {
    run(5);
    (void)end(1);
    (void)end(2, RunDone{"2"});
    (void)end(3, RunFailed{"why", Duration{seconds{9}}});
    (void)end(4, RunDone{"4"});
    (void)end(5, RunGivenBack{});
    (void)answer(200);
    std::vector<FailedId> failed;
    std::vector<Xid> refused;
    // It takes none that names msg 4 with its result.
    for (int tries = 0; tries < 20 && logic_->counts().reported < 5; ++tries) {
      const bool is_taken = report_.results.empty() || report_.results.back().id != id_of(4);
      if (is_taken) {
        failed.insert(failed.end(), report_.failed.begin(), report_.failed.end());
        refused.insert(refused.end(), report_.refused.begin(), report_.refused.end());
      }
      (void)answer(is_taken ? 200 : status);
    }
    EXPECT_EQ(logic_->counts().reported, 5U);
    EXPECT_EQ(refused, std::vector<Xid>{id_of(5)});
    ASSERT_EQ(failed.size(), 2U);
    EXPECT_EQ(failed[0].error, "why");
    EXPECT_EQ(failed[1].id, id_of(4));
    EXPECT_EQ(failed[1].error, "its result was not taken: " + std::to_string(status) + ": no");
    EXPECT_TRUE(failed[1].final);
  }
}

TEST_F(WorkerReportsTest, AnErrorThatIsNotTakenHasAnotherInItsPlaceAndComesBackAllTheSame) {
  run(1);
  (void)end(1, RunFailed{"why", Duration{seconds{9}}});
  const auto again = only<PostReport>(answer(400)).report;
  ASSERT_EQ(again.failed.size(), 1U);
  EXPECT_EQ(again.failed[0].error, "its error was not taken: 400: no");
  EXPECT_EQ(again.failed[0].retry_in, Duration{seconds{9}});
  EXPECT_FALSE(again.failed[0].final);
  EXPECT_EQ(lines(answer(400)).size(), 1U);  // it is given up
  EXPECT_TRUE(of<PostReport>(pass_alive(seconds{1})).empty());
}

TEST_F(WorkerReportsTest, WhatSaysNothingButItsMsgIsGivenUpAtOnce) {
  run(1);
  (void)end(1);
  EXPECT_EQ(lines(answer(400)),
            std::vector<std::string>{"the server refused a report, so it is given "
                                     "up with its 1 msg: 400: no"});
}

// A network that swallows requests, and a proxy that asks for a long wait: several tries fit into a lease.
TEST_F(WorkerReportsTest, ALeaseIsKeptThroughAnswersThatDoNotComeAndLongWaits) {
  for (const bool is_answered : {false, true}) {
    run(1);
    std::size_t keeps = 0;
    for (int tenth = 0; tenth < 295 && logic_->counts().lost == 0; ++tenth) {
      keeps += of<PostReport>(pass_alive(milliseconds{100})).size();
      if (is_answered && keeps < 6) (void)answer(503, Duration{seconds{30}});
      if (keeps == 6) {
        (void)answer(200);
        break;
      }
    }
    EXPECT_EQ(keeps, 6U) << is_answered;
    EXPECT_EQ(logic_->counts().lost, 0U);
    (void)pass_alive(timing_.lease / 3);
    EXPECT_EQ(logic_->counts().lost, 0U);
  }
}

// The longest wait that a server may ask for is kept where the lease lasts longer.
TEST_F(WorkerReportsTest, AWaitThatIsShorterThanTheLeaseIsKept) {
  run(1);
  (void)end(1);
  (void)answer(503, Duration{seconds{20}});
  EXPECT_TRUE(of<PostReport>(pass_alive(milliseconds{19'900})).empty());
  EXPECT_EQ(of<PostReport>(pass_alive(milliseconds{200})).size(), 1U);
}

}  // namespace
}  // namespace pena::core
