// What `pena put` and `pena work` are asked for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>

#include "cli/options.hpp"
#include "parsed.hpp"

namespace {

using namespace pena;
using namespace std::chrono_literals;
using cli::test::parsed_as;
using cli::test::refusal;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(PutOptions, WithoutAnyTheProducersDefaultsHold) {
  const auto put = parsed_as<cli::PutCommand>({"put"});
  EXPECT_EQ(put.settings.url, client::ProducerSettings{}.url);
  EXPECT_EQ(put.settings.queue, "default");
  EXPECT_EQ(put.patience, client::ProducerSettings{}.patience);
  EXPECT_EQ(put.file, "");
  EXPECT_THAT(put.payloads, IsEmpty());
  EXPECT_FALSE(put.delay || put.max_resends);
}

TEST(PutOptions, ReachTheirSettings) {
  const auto put = parsed_as<cli::PutCommand>(
      {"put", "--url", "http://a:1", "--queue", "mail", "--key", "order.id", "--delay", "90s",
       "--max-resends", "0", "--patience", "0ms", "orders.jsonl"});
  EXPECT_EQ(put.settings.url, "http://a:1");
  EXPECT_EQ(put.settings.queue, "mail");
  EXPECT_EQ(put.key_field, "order.id");
  EXPECT_EQ(put.delay, 90s);
  EXPECT_EQ(put.max_resends, 0);
  EXPECT_EQ(put.patience, 0ms);
  EXPECT_EQ(put.file, "orders.jsonl");
  EXPECT_EQ(parsed_as<cli::PutCommand>({"put", "-"}).file, "-");
}

TEST(PutOptions, APayloadIsTakenAsItStands) {
  const auto put = parsed_as<cli::PutCommand>(
      {"put", "--payload", "[1, 2]", "--payload", R"({"a":1,"b":2})", "--payload", "-5"});
  EXPECT_THAT(put.payloads, ElementsAre("[1, 2]", R"({"a":1,"b":2})", "-5"));
}

TEST(PutOptions, APayloadMayComeFromTheEnvironment) {
  setenv("PENA_PUT_PAYLOAD", "[1,2]", 1);
  const auto put = parsed_as<cli::PutCommand>({"put"});
  unsetenv("PENA_PUT_PAYLOAD");
  EXPECT_THAT(put.payloads, ElementsAre("[1,2]"));
}

TEST(PutOptions, OfAFileAndPayloadsThereIsOne) {
  EXPECT_THAT(refusal({"put", "--payload", "1", "a.jsonl"}), HasSubstr("beside FILE"));
}

TEST(PutOptions, LinesMayBeTextAndIdsNeedNotBePrinted) {
  const auto put = parsed_as<cli::PutCommand>({"put", "--text", "--quiet", "a.txt"});
  EXPECT_TRUE(put.text && put.quiet);
  const auto other = parsed_as<cli::PutCommand>({"put", "a.jsonl"});
  EXPECT_FALSE(other.text || other.quiet);
  EXPECT_THAT(refusal({"put", "--text", "--key", "k"}), HasSubstr("--key: expected none beside"));
  EXPECT_THAT(refusal({"put", "--text", "--payload", "1"}), HasSubstr("--text: expected none"));
}

TEST(PutOptions, WhatCannotBeIsRefused) {
  EXPECT_THAT(refusal({"put", "--max-resends", "1001"}), HasSubstr("from 0 to 1000"));
  EXPECT_THAT(refusal({"put", "--delay", "0s"}), HasSubstr("--delay"));
  EXPECT_THAT(refusal({"put", "--delay", "400d"}), HasSubstr("--delay"));
  EXPECT_THAT(refusal({"put", "a", "b"}), HasSubstr("b"));
}

TEST(WorkOptions, WithoutAnyThereIsOneJobOnTheQueueDefault) {
  const auto work = parsed_as<cli::WorkCommand>({"work", "--", "true"});
  EXPECT_EQ(work.settings.url, client::WorkerSettings{}.url);
  EXPECT_THAT(work.settings.queues, IsEmpty());
  EXPECT_FALSE(work.settings.until_empty);
  EXPECT_EQ(work.jobs, 1U);
  EXPECT_FALSE(work.timeout);
  EXPECT_FALSE(work.results);
  EXPECT_FALSE(work.fail_on_failed);
  EXPECT_THAT(work.command, ElementsAre("true"));
}

TEST(WorkOptions, ReachTheirSettings) {
  const auto work = parsed_as<cli::WorkCommand>(
      {"work", "--url", "http://a:1", "--jobs", "64", "--queue", "high", "--queue", "low,slow",
       "--timeout", "30s", "--until-empty", "--results", "--fail-on-failed", "--json", "--name",
       "w-1", "--", "a"});
  EXPECT_EQ(work.settings.url, "http://a:1");
  EXPECT_EQ(work.jobs, 64U);
  EXPECT_THAT(work.settings.queues, ElementsAre("high", "low", "slow"));
  EXPECT_EQ(work.timeout, 30s);
  EXPECT_TRUE(work.settings.until_empty);
  EXPECT_TRUE(work.results);
  EXPECT_TRUE(work.fail_on_failed);
  EXPECT_TRUE(work.output.json);
  EXPECT_EQ(work.settings.name, "w-1");
}

TEST(WorkOptions, TheCommandHasItsOwnOptions) {
  const auto work =
      parsed_as<cli::WorkCommand>({"work", "--", "sh", "--help", "--jobs", "{a.b}", "[1]", "--"});
  EXPECT_THAT(work.command, ElementsAre("sh", "--help", "--jobs", "{a.b}", "[1]", "--"));
  EXPECT_EQ(work.jobs, 1U);
}

TEST(WorkOptions, WithoutACommandThereIsNothingToRun) {
  EXPECT_THAT(refusal({"work"}), HasSubstr("expected -- and a command"));
  EXPECT_THAT(refusal({"work", "--"}), HasSubstr("expected -- and a command"));
  EXPECT_THAT(refusal({"work", "true"}), HasSubstr("true"));
}

TEST(WorkOptions, WhatCannotBeIsRefused) {
  EXPECT_THAT(refusal({"work", "--", "awk", "{print $1}"}),
              AllOf(HasSubstr("{print $1}"), HasSubstr("{{ or }} for a brace")));
  EXPECT_THAT(refusal({"work", "--jobs", "0", "--", "a"}), HasSubstr("from 1 to 1000"));
  EXPECT_THAT(refusal({"work", "--timeout", "5", "--", "a"}), HasSubstr("such as 250ms"));
}

// It is not that of those who play with a server.
TEST(PutAndWorkOptions, ShareTheVariableOfTheirServer) {
  setenv("PENA_URL", "http://a:1", 1);
  EXPECT_EQ(parsed_as<cli::PutCommand>({"put"}).settings.url, "http://a:1");
  EXPECT_EQ(parsed_as<cli::WorkCommand>({"work", "--", "a"}).settings.url, "http://a:1");
  EXPECT_EQ(parsed_as<cli::PutCommand>({"put", "--url", "http://b:1"}).settings.url, "http://b:1");
  EXPECT_EQ(parsed_as<cli::ClientCommand>({"client"}).settings.url, client::ClientSettings{}.url);
  setenv("PENA_WORK_URL", "http://c:1", 1);
  EXPECT_EQ(parsed_as<cli::WorkCommand>({"work", "--", "a"}).settings.url, "http://c:1");
  EXPECT_EQ(parsed_as<cli::PutCommand>({"put"}).settings.url, "http://a:1");
  unsetenv("PENA_WORK_URL");
  unsetenv("PENA_URL");
  const std::array<const char*, 2> environment{"PENA_URL=http://a:1", nullptr};
  EXPECT_THAT(cli::strange_variables(environment.data()), IsEmpty());
}

TEST(WorkOptions, TheVariablesOfAMsgAreNotStrange) {
  const std::array<const char*, 4> environment{"PENA_ID=1", "PENA_LAST_ATTEMPT=0", "PENA_IDS=1",
                                               nullptr};
  EXPECT_THAT(cli::strange_variables(environment.data()), ElementsAre(HasSubstr("PENA_IDS")));
}

}  // namespace
