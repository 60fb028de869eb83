// The parts of `pena work`: what it says of a command that ended, what it tells a command, whose lines it prints.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <string>

#include "cli/json_lines.hpp"
#include "cli/msg_variables.hpp"
#include "cli/whole_lines.hpp"
#include "cli/worked.hpp"
#include "process/command.hpp"
#include "sample.hpp"

namespace pena::cli {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::Not;
using testing::StartsWith;

// ---- what became of it

client::Failed failed(const process::CommandEnd& end, const std::string& tail = {},
                      std::optional<std::chrono::milliseconds> timeout = std::nullopt) {
  const client::Outcome outcome = outcome_of(end, tail, "", timeout);
  EXPECT_NE(failure(outcome), nullptr);
  return std::get<client::Failed>(outcome);
}

TEST(Worked, ExitZeroIsDoneWithItsResult) {
  const client::Outcome outcome = outcome_of({0, 0}, "a warning", "[1]", std::nullopt);
  EXPECT_TRUE(std::holds_alternative<client::Done>(outcome));
  EXPECT_EQ(std::get<client::Done>(outcome).result, "[1]");
}

TEST(Worked, AnyOtherExitIsAFailureThatComesBack) {
  EXPECT_EQ(failed({3, 0}, "no such file").error, "exit 3: no such file");
  EXPECT_EQ(failed({75, 0}).error, "exit 75");
  EXPECT_FALSE(failed({75, 0}).final);
  EXPECT_FALSE(failed({1, 0}).final);
  EXPECT_EQ(failed({75, 0}).retry_in, std::nullopt);
}

TEST(Worked, BadDataIsFinal) {
  EXPECT_TRUE(failed({65, 0}).final);
}

TEST(Worked, ASignalIsNamed) {
  EXPECT_EQ(failed({0, SIGSEGV}).error, "killed by SIGSEGV");
  EXPECT_EQ(failed({0, SIGRTMIN + 1}).error, "killed by signal " + std::to_string(SIGRTMIN + 1));
}

TEST(Worked, WhatTookTooLongHasFailedWhateverItsExit) {
  EXPECT_EQ(failed({0, 0}, "t", 1500ms).error, "it took longer than 1500ms: t");
  EXPECT_FALSE(failed({65, 0}, "", 30s).final);
}

TEST(Worked, TheErrorFitsIntoWhatAServerKeeps) {
  const std::string error = failed({0, SIGSEGV}, std::string(kErrorBytes - 64, 'x')).error;
  EXPECT_LE(error.size(), kErrorBytes);
  EXPECT_LE(failed({0, 0}, std::string(kErrorBytes - 64, 'x'), 8759h).error.size(), kErrorBytes);
}

TEST(Worked, IsToldAsJson) {
  Worked worked{{}, client::Done{}, 0, 0.25};
  worked.msg.id = test::xid(1);
  worked.msg.queue = "mail";
  EXPECT_EQ(json_worked(worked),
            R"({"id":")" + test::xid(1).text() +
                R"(","queue":"mail","key":null,"attempt":1,"outcome":"done","exit":0,)"
                R"("seconds":0.25,"error":null})");
  worked.msg.key = "order 7";
  worked.exit.reset();
  worked.outcome = client::Failed{"no \xFF", std::nullopt, true};
  EXPECT_EQ(json_worked(worked),
            R"({"id":")" + test::xid(1).text() +
                R"(","queue":"mail","key":"order 7","attempt":1,"outcome":"failed","exit":null,)"
                "\"seconds\":0.25,\"error\":\"no \xEF\xBF\xBD\",\"final\":true}");
}

TEST(Worked, TheLastAttemptThatIsNoSuccessIsFinal) {
  Worked worked{{}, client::Failed{"no", std::nullopt, false}, 1, 0};
  EXPECT_FALSE(is_final(worked));
  worked.msg.last_attempt = true;
  EXPECT_TRUE(is_final(worked));
  EXPECT_THAT(json_worked(worked), testing::EndsWith(R"("error":"no","final":true})"));
  worked.outcome = client::GivenBack{};
  EXPECT_TRUE(is_final(worked));
  worked.outcome = client::Done{};
  EXPECT_FALSE(is_final(worked));
  // Whoever has it now says so.
  worked.outcome = client::Failed{"no", std::nullopt, true};
  worked.not_taken = "too late";
  EXPECT_FALSE(is_final(worked));
  EXPECT_THAT(json_worked(worked), testing::HasSubstr(R"("outcome":"not_taken")"));
  EXPECT_THAT(json_worked(worked), testing::EndsWith(R"("error":"too late"})"));
}

TEST(Worked, IsNamedByItsKeyToo) {
  client::Msg msg;
  msg.id = test::xid(1);
  EXPECT_EQ(name_of(msg), "the msg " + test::xid(1).text());
  msg.key = "order\n7";
  EXPECT_THAT(name_of(msg), testing::EndsWith(" (key order\\n7)"));
}

// ---- what it is told

client::Msg msg() {
  client::Msg msg;
  msg.id = test::xid(1);
  msg.queue = "mail";
  msg.attempt = 2;
  return msg;
}

TEST(MsgVariables, SayWhatTheMsgIs) {
  EXPECT_THAT(variables_of(msg(), "ann"),
              ElementsAre("PENA_ID=" + test::xid(1).text(), "PENA_ATTEMPT=2", "PENA_LAST_ATTEMPT=0",
                          "PENA_QUEUE=mail", "PENA_PAYLOAD=ann"));
  client::Msg last = msg();
  last.last_attempt = true;
  last.key = "order 7";
  EXPECT_THAT(variables_of(last, ""), Contains("PENA_LAST_ATTEMPT=1"));
  EXPECT_THAT(variables_of(last, ""), Contains("PENA_KEY=order 7"));
}

TEST(MsgVariables, APayloadThatNoEnvironmentTakesIsLeftOut) {
  const auto of_payload = Contains(StartsWith("PENA_PAYLOAD="));
  const std::string most(process::kLongestArgument - 14, 'x');  // the name, '=' and the end
  EXPECT_THAT(variables_of(msg(), most), of_payload);
  EXPECT_THAT(variables_of(msg(), most + "x"), Not(of_payload));
  EXPECT_THAT(variables_of(msg(), std::string("a\0b", 3)), Not(of_payload));
}

TEST(MsgVariables, ThoseOfAnOuterMsgAreNotHandedOn) {
  const std::array<const char*, 5> environment{"PATH=/bin", "PENA_KEY=outer", "PENA_WORK_JOBS=2",
                                               "PENA_PAYLOAD=1", nullptr};
  EXPECT_THAT(without_msg(environment.data()), ElementsAre("PATH=/bin", "PENA_WORK_JOBS=2"));
}

// ---- what it prints

TEST(WholeLines, AreHandedOnWhenTheyAreWhole) {
  WholeLines lines;
  EXPECT_EQ(lines.add("a"), "");
  EXPECT_EQ(lines.add("b\nc\nd"), "ab\nc\n");
  EXPECT_EQ(lines.add(""), "");
  EXPECT_EQ(lines.rest(), "d\n");
  EXPECT_EQ(lines.rest(), "");
}

TEST(WholeLines, OneThatIsTooLongIsHandedOnInPiecesAndAsItWas) {
  WholeLines lines;
  const std::string piece(WholeLines::kLongest - 1, 'x');
  EXPECT_EQ(lines.add(piece), "");
  EXPECT_EQ(lines.add("y"), piece + "y");
  EXPECT_EQ(lines.add(piece + "y"), piece + "y");
  EXPECT_EQ(lines.add("z"), "");
  EXPECT_EQ(lines.add("\na"), "z\n");
  EXPECT_EQ(lines.rest(), "a\n");
}

TEST(WholeLines, OneThatWasCutIsEnded) {
  WholeLines lines;
  const std::string piece(WholeLines::kLongest, 'x');
  EXPECT_EQ(lines.add(piece), piece);
  EXPECT_EQ(lines.rest(), "\n");
  EXPECT_EQ(lines.rest(), "");
}

}  // namespace
}  // namespace pena::cli
