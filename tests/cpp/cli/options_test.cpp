#include "cli/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <initializer_list>
#include <string>
#include <vector>

#include "cli/option_names.hpp"
#include "core/limits_list.hpp"
#include "parsed.hpp"

namespace {

using namespace pena;
using namespace std::chrono_literals;
using cli::test::parsed;
using cli::test::parsed_as;
using cli::test::refusal;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

// A variable of the environment for as long as it lives.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Variable() { unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

TEST(Options, WithoutOptionsTheEnginesDefaultsHold) {
  const auto server = parsed_as<cli::ServerCommand>({"server"});
  EXPECT_EQ(server.settings.listen, server::ServerSettings{}.listen);
  EXPECT_EQ(server.settings.store, server::ServerSettings{}.store);
  EXPECT_EQ(server.settings.limits, core::Limits{});
  EXPECT_TRUE(server.settings.generator.enabled);
  EXPECT_FALSE(server.settings.generator.count);
  EXPECT_FALSE(server.settings.insecure);
  EXPECT_EQ(server.output.log_level, core::LogLevel::info);
  const auto client = parsed_as<cli::ClientCommand>({"client"});
  EXPECT_EQ(client.settings.url, client::ClientSettings{}.url);
  EXPECT_FALSE(client.settings.batchsize);
  EXPECT_EQ(client.settings.panicked, client::Panicked::report);
  EXPECT_EQ(client.settings.panic_above, 800U);
  EXPECT_EQ(client.settings.end_above, 900U);
  EXPECT_EQ(client.clients, 1U);
}

TEST(Options, TheServersTimesReachTheirSettings) {
  const auto server = parsed_as<cli::ServerCommand>(
      {"server", "--lease",     "31s",   "--heartbeat",     "1001ms", "--silence",
       "4s",     "--stop-time", "251ms", "--drop-grace",    "6s",     "--slack",
       "101ms",  "--linger",    "21ms",  "--header-time",   "11s",    "--body-time",
       "12s",    "--idle-time", "1m",    "--stalled-write", "13s"});
  const core::Timing& timing = server.settings.limits.timing;
  EXPECT_EQ(timing.lease, 31s);
  EXPECT_EQ(timing.heartbeat, 1001ms);
  EXPECT_EQ(timing.silence, 4s);
  EXPECT_EQ(timing.stop_time, 251ms);
  EXPECT_EQ(timing.drop_grace, 6s);
  EXPECT_EQ(timing.slack, 101ms);
  EXPECT_EQ(server.settings.limits.linger, 21ms);
  EXPECT_EQ(server.settings.limits.header_time, 11s);
  EXPECT_EQ(server.settings.limits.body_time, 12s);
  EXPECT_EQ(server.settings.limits.idle_time, 1min);
  EXPECT_EQ(server.settings.limits.stalled_write_time, 13s);
}

TEST(Options, TheServersLimitsReachTheirSettings) {
  const auto server = parsed_as<cli::ServerCommand>(
      {"server", "--max-resends",   "0",     "--max-batchsize",  "11",    "--max-period",
       "12",     "--max-payload",   "13B",   "--max-report-ids", "14",    "--max-submit",
       "15",     "--max-header",    "16KiB", "--max-body",       "17MiB", "--max-connections",
       "18",     "--window",        "19",    "--max-queue",      "20",    "--map-size",
       "21GiB",  "--fewest-pieces", "22",    "--window-bytes",   "23MiB", "--max-error",
       "22B"});
  const core::Limits& limits = server.settings.limits;
  EXPECT_EQ(limits.max_resends, 0);
  EXPECT_EQ(limits.batchsize, 11U);
  EXPECT_EQ(limits.period_ms, 12U);
  EXPECT_EQ(limits.payload_bytes, 13U);
  EXPECT_EQ(limits.error_bytes, 22U);
  EXPECT_EQ(limits.report_ids, 14U);
  EXPECT_EQ(limits.submit_msgs, 15U);
  EXPECT_EQ(limits.header_bytes, 16U << 10U);
  EXPECT_EQ(limits.body_bytes, 17U << 20U);
  EXPECT_EQ(limits.connections, 18U);
  EXPECT_EQ(limits.window_msgs, 19U);
  EXPECT_EQ(limits.queue_msgs, 20U);
  EXPECT_EQ(limits.map_bytes, std::size_t{21} << 30U);
  EXPECT_EQ(limits.fewest_pieces, 22U);
  EXPECT_EQ(limits.window_bytes, 23U << 20U);
}

TEST(Options, WhatTheStoreAndItsDiskMustHaveLeftReachesItsSettings) {
  const auto server =
      parsed_as<cli::ServerCommand>({"server", "--store-fill", "0.25", "--min-disk", "24MiB"});
  EXPECT_DOUBLE_EQ(server.settings.limits.store_fill, 0.25);
  EXPECT_EQ(server.settings.limits.disk_bytes, 24U << 20U);
  const auto none = parsed_as<cli::ServerCommand>({"server", "--min-disk", "0B"});
  EXPECT_EQ(none.settings.limits.disk_bytes, 0U);
  EXPECT_THAT(refusal({"server", "--store-fill", "80"}),
              HasSubstr("expected a number above 0 and at most 1, such as 0.8, not \"80\""));
}

TEST(Options, TheSmallestBoundsReachTheirSettings) {
  const auto server = parsed_as<cli::ServerCommand>(
      {"server", "--max-target", "25B", "--max-page-ids", "26", "--max-json-depth", "27"});
  EXPECT_EQ(server.settings.limits.target_bytes, 25U);
  EXPECT_EQ(server.settings.limits.page_ids, 26U);
  EXPECT_EQ(server.settings.limits.json_depth, 27);
}

TEST(Options, WhatAnEngineRefusesIsToldByItsOption) {
  EXPECT_EQ(cli::as_typed("error_bytes must be from 3 to 65536, not 102400"),
            "--max-error must be from 3B to 64KiB, not 100KiB");
  EXPECT_EQ(cli::as_typed("bodies_bytes (1) must be at least body_bytes (2), or the body"),
            "--max-bodies (1B) must be at least --max-body (2B), or the body");
}

TEST(Options, SizesInASentenceAreAsTheyAreTyped) {
  EXPECT_EQ(cli::as_typed("map_bytes must be at least 1048576, not 1024"),
            "--map-size must be at least 1MiB, not 1KiB");
  EXPECT_EQ(cli::as_typed("map_bytes must be at most 70368744177664, not 1000"),
            "--map-size must be at most 64TiB, not 1000B");
  EXPECT_EQ(cli::as_typed("batchsize must be at most 1000000, not 1048576"),
            "--max-batchsize must be at most 1000000, not 1048576");
  EXPECT_EQ(cli::as_typed("map_bytes (1024) and then batchsize (1024)"),
            "--map-size (1KiB) and then --max-batchsize (1024)");
}

TEST(Options, EveryNameInASentenceIsItsOption) {
  for (const core::Limit& limit : core::all_limits()) {
    if (limit.option.empty()) continue;
    EXPECT_EQ(cli::as_typed(std::string{limit.name}), limit.option);
  }
}

TEST(Options, WhatBodiesMayCostReachesItsSettings) {
  const auto server =
      parsed_as<cli::ServerCommand>({"server", "--max-framing", "22KiB", "--max-bodies", "23MiB"});
  EXPECT_EQ(server.settings.limits.framing_bytes, 22U << 10U);
  EXPECT_EQ(server.settings.limits.bodies_bytes, 23U << 20U);
}

TEST(Options, TheRestOfTheServersOptionsReachTheirSettings) {
  const auto server = parsed_as<cli::ServerCommand>(
      {"server", "--listen", "[::1]:0", "--store", "/x", "--count", "500", "--rate", "0.5",
       "--seed", "18446744073709551615", "--insecure", "--log-level", "off", "--json",
       "--allow-host", "a.lan", "--allow-host", "b.lan,c.lan"});
  EXPECT_EQ(server.settings.allow_hosts, (std::vector<std::string>{"a.lan", "b.lan", "c.lan"}));
  EXPECT_EQ(server.settings.listen, "[::1]:0");
  EXPECT_EQ(server.settings.store, "/x");
  EXPECT_EQ(server.settings.generator.count, 500U);
  EXPECT_EQ(server.settings.generator.rate, 0.5);
  EXPECT_EQ(server.settings.generator.seed, 18446744073709551615U);
  EXPECT_TRUE(server.settings.generator.enabled);
  EXPECT_TRUE(server.settings.insecure);
  EXPECT_EQ(server.output.log_level, std::nullopt);
  EXPECT_TRUE(server.output.json);
}

TEST(Options, TheClientsOptionsReachTheirSettings) {
  const auto client = parsed_as<cli::ClientCommand>(
      {"client", "--url",       "http://h:1",  "--batchsize",   "7",    "--clients",
       "3",      "--seed",      "4",           "--panicked",    "omit", "--panic-above",
       "5",      "--end-above", "6",           "--max-running", "8",    "--max-batches",
       "9",      "--restart",   "--log-level", "debug"});
  EXPECT_EQ(client.settings.url, "http://h:1");
  EXPECT_EQ(client.settings.batchsize, 7U);
  EXPECT_EQ(client.clients, 3U);
  EXPECT_EQ(client.settings.seed, 4U);
  EXPECT_EQ(client.settings.panicked, client::Panicked::omit);
  EXPECT_EQ(client.settings.panic_above, 5U);
  EXPECT_EQ(client.settings.end_above, 6U);
  EXPECT_EQ(client.settings.max_running, 8U);
  EXPECT_EQ(client.settings.max_batches, 9U);
  EXPECT_TRUE(client.restart);
  EXPECT_EQ(client.output.log_level, core::LogLevel::debug);
}

TEST(Options, TheDemosOptionsReachTheirSettings) {
  const auto demo = parsed_as<cli::DemoCommand>(
      {"demo", "--clients", "3", "--count", "10", "--seed", "1", "--store", "/x", "--max-resends",
       "2", "--panicked", "omit", "--drop-grace", "700ms", "--json"});
  EXPECT_EQ(demo.clients, 3U);
  EXPECT_EQ(demo.count, 10U);
  EXPECT_EQ(demo.seed, 1U);
  EXPECT_EQ(demo.store, "/x");
  EXPECT_EQ(demo.max_resends, 2);
  EXPECT_EQ(demo.panicked, client::Panicked::omit);
  EXPECT_EQ(demo.timing.drop_grace, 700ms);
  EXPECT_EQ(demo.timing.silence, 300ms);
  EXPECT_TRUE(demo.output.json);
}

TEST(Options, TheDemosTimesFitTogether) {
  core::Limits limits;
  limits.timing = cli::demo_timing();
  EXPECT_EQ(limits.problem(), std::nullopt);
}

TEST(Options, ABareNumberIsNoDurationAndTheRefusalShowsExamples) {
  EXPECT_THAT(refusal({"server", "--lease", "30"}), AllOf(HasSubstr("--lease"), HasSubstr("\"30\""),
                                                          HasSubstr("250ms, 2s, 5m, 1h or 7d")));
  EXPECT_THAT(refusal({"server", "--max-body", "8"}),
              AllOf(HasSubstr("--max-body"), HasSubstr("8MiB")));
}

TEST(Options, NumbersAreDecimalAndInRange) {
  for (const char* number : {"0", "-1", "1.5", "0x10", "", " 1", "4294967296", "x"}) {
    EXPECT_THAT(refusal({"client", "--batchsize", number}),
                AllOf(HasSubstr("--batchsize"), HasSubstr("from 1 to 4294967295")))
        << number;
  }
  for (const char* rate : {"0", "-1", "nan", "inf", "1e999", "x"}) {
    EXPECT_THAT(refusal({"server", "--rate", rate}), HasSubstr("a number above 0")) << rate;
  }
}

TEST(Options, AWordThatIsNoChoiceIsRefusedWithTheChoices) {
  EXPECT_THAT(refusal({"client", "--panicked", "maybe"}),
              AllOf(HasSubstr("report|omit"), HasSubstr("\"maybe\"")));
  EXPECT_THAT(refusal({"server", "--log-level", "loud"}),
              HasSubstr("debug|info|warning|error|off"));
}

TEST(Options, WhatIsUnknownOrLackingIsRefused) {
  EXPECT_THAT(refusal({"server", "--bogus"}), HasSubstr("--bogus"));
  EXPECT_THAT(refusal({"bogus"}), HasSubstr("bogus"));
  EXPECT_THAT(refusal({"server", "client"}), HasSubstr("client"));
  EXPECT_THAT(refusal({"server", "--lease"}), HasSubstr("--lease"));
  EXPECT_THAT(refusal({"client", "--listen", "127.0.0.1:0"}), HasSubstr("--listen"));
}

TEST(Options, TheLastOfARepeatedOptionHolds) {
  const auto server = parsed_as<cli::ServerCommand>({"server", "--count", "1", "--count", "2"});
  EXPECT_EQ(server.settings.generator.count, 2U);
}

TEST(Options, ARefusalSpeaksJsonWhereItWasAskedFor) {
  EXPECT_TRUE(parsed_as<cli::BadUsage>({"server", "--bogus", "--json"}).json);
  EXPECT_FALSE(parsed_as<cli::BadUsage>({"server", "--bogus"}).json);
  const Variable json{"PENA_SERVER_JSON", "1"};
  EXPECT_TRUE(parsed_as<cli::BadUsage>({"server", "--bogus"}).json);
  const Variable none{"PENA_CLIENT_JSON", "FALSE"};
  EXPECT_FALSE(parsed_as<cli::BadUsage>({"client", "--bogus"}).json);
}

TEST(Options, WhatIsGeneratedSaysNothingWhereNothingIs) {
  for (const char* option : {"--count", "--rate"}) {
    EXPECT_EQ(
        refusal({"server", option, "5", "--no-generate"}),
        std::string{option} + ": expected none beside --no-generate, which generates nothing");
    const auto on = parsed_as<cli::ServerCommand>({"server", option, "5", "--no-generate=false"});
    EXPECT_TRUE(on.settings.generator.enabled);
  }
}

TEST(Options, TheGeneratorYieldsToWhatIsSubmittedUnlessItWasAskedFor) {
  const auto yields = [](std::initializer_list<const char*> arguments) {
    return parsed_as<cli::ServerCommand>(arguments).settings.generator.yields();
  };
  EXPECT_TRUE(yields({"server"}));
  EXPECT_TRUE(yields({"server", "--generate=false"}));
  EXPECT_FALSE(yields({"server", "--generate"}));
  EXPECT_FALSE(yields({"server", "--count", "5"}));
  EXPECT_FALSE(yields({"server", "--rate", "5"}));
  EXPECT_FALSE(yields({"server", "--seed", "5"}));
  EXPECT_EQ(refusal({"server", "--generate", "--no-generate"}),
            "--generate: expected none beside --no-generate, which generates nothing");
  const Variable no_generate{"PENA_SERVER_NO_GENERATE", "yes"};
  EXPECT_TRUE(parsed_as<cli::ServerCommand>({"server", "--generate"}).settings.generator.enabled);
  const Variable generate{"PENA_SERVER_GENERATE", "yes"};
  EXPECT_FALSE(parsed_as<cli::ServerCommand>({"server"}).settings.generator.enabled);
}

TEST(Options, OfWhatTheGeneratorDoesTheCommandLineGoesFirst) {
  {
    const Variable count{"PENA_SERVER_COUNT", "5"};
    const Variable rate{"PENA_SERVER_RATE", "5"};
    const auto none = parsed_as<cli::ServerCommand>({"server", "--no-generate"}).settings.generator;
    EXPECT_FALSE(none.enabled);
    EXPECT_FALSE(none.count);
    EXPECT_FALSE(none.rate);
    const Variable no_generate{"PENA_SERVER_NO_GENERATE", "yes"};
    EXPECT_FALSE(parsed_as<cli::ServerCommand>({"server"}).settings.generator.enabled);
  }
  const Variable no_generate{"PENA_SERVER_NO_GENERATE", "yes"};
  const auto some = parsed_as<cli::ServerCommand>({"server", "--count", "5"}).settings.generator;
  EXPECT_TRUE(some.enabled);
  EXPECT_EQ(some.count, 5U);
}

TEST(Options, TheEnvironmentSpeaksWhereTheCommandLineIsSilent) {
  const Variable listen{"PENA_SERVER_LISTEN", "127.0.0.1:1"};
  const Variable grace{"PENA_SERVER_DROP_GRACE", "5s"};
  const Variable no_generate{"PENA_SERVER_NO_GENERATE", "true"};
  const Variable count{"PENA_DEMO_COUNT", "7"};
  const auto server = parsed_as<cli::ServerCommand>({"server", "--listen", "127.0.0.1:2"});
  EXPECT_EQ(server.settings.listen, "127.0.0.1:2");
  EXPECT_EQ(server.settings.limits.timing.drop_grace, 5s);
  EXPECT_FALSE(server.settings.generator.enabled);
  EXPECT_FALSE(server.settings.generator.count);
  EXPECT_EQ(parsed_as<cli::DemoCommand>({"demo"}).count, 7U);
  EXPECT_EQ(parsed_as<cli::DemoCommand>({"demo"}).timing, cli::demo_timing());
}

TEST(Options, ABadVariableIsRefusedOnlyByTheCommandThatTakesIt) {
  const Variable batchsize{"PENA_CLIENT_BATCHSIZE", "many"};
  parsed_as<cli::ServerCommand>({"server"});
  EXPECT_THAT(refusal({"client"}),
              AllOf(HasSubstr("PENA_CLIENT_BATCHSIZE"), HasSubstr("\"many\"")));
}

TEST(Options, AFlagIsTrueOrFalse) {
  for (const char* word : {"true", "1", "yes", "on", "TRUE", "Yes", "oN"}) {
    const Variable flag{"PENA_SERVER_NO_GENERATE", word};
    EXPECT_FALSE(parsed_as<cli::ServerCommand>({"server"}).settings.generator.enabled) << word;
  }
  for (const char* word : {"maybe", "2", "-1", "TRUTH", " true", "nan"}) {
    const Variable flag{"PENA_SERVER_NO_GENERATE", word};
    EXPECT_EQ(refusal({"server"}),
              "PENA_SERVER_NO_GENERATE: expected true or false, not \"" + std::string{word} + "\"");
  }
  for (const char* word : {"false", "0", "no", "off", "False", "NO", "Off", ""}) {
    const Variable flag{"PENA_SERVER_NO_GENERATE", word};
    EXPECT_TRUE(parsed_as<cli::ServerCommand>({"server"}).settings.generator.enabled) << word;
  }
  EXPECT_THAT(refusal({"server", "--no-generate=maybe"}),
              StartsWith("--no-generate: expected true"));
  EXPECT_FALSE(parsed_as<cli::ServerCommand>({"server", "--json=false"}).output.json);
}

TEST(Options, WhatEndedIsKeptForATimeOrByItsNumber) {
  const auto kept = [](const char* given) {
    return parsed_as<cli::ServerCommand>({"server", "--keep-reports", given}).settings.limits;
  };
  const core::Limits none = parsed_as<cli::ServerCommand>({"server"}).settings.limits;
  EXPECT_EQ(none.keep_reports, core::Keep{});
  EXPECT_EQ(none.keep_fails, core::Keep{});
  EXPECT_EQ(kept("7d").keep_reports, (core::Keep{std::chrono::hours{7 * 24}, {}}));
  EXPECT_EQ(kept("90s").keep_reports.time, core::Duration{90s});
  EXPECT_EQ(kept("7d").keep_fails, core::Keep{});
  EXPECT_EQ(kept("365d").problem(), std::nullopt);
  EXPECT_EQ(kept("1000000").keep_reports, (core::Keep{{}, 1'000'000}));
  const core::Limits last =
      parsed_as<cli::ServerCommand>({"server", "--keep-fails=1", "--keep-fails=12h"})
          .settings.limits;
  EXPECT_EQ(last.keep_fails, (core::Keep{std::chrono::hours{12}, {}}));
  for (const char* bad :
       {"0", "0s", "-1", "366d", "7w", "1.5d", "99999999999999999999", "7d ", "for ever"}) {
    EXPECT_THAT(refusal({"server", "--keep-fails", bad}),
                AllOf(HasSubstr("--keep-fails"), HasSubstr(bad),
                      HasSubstr("a time of up to 365d, such as 12h or 7d, or a whole number")))
        << bad;
  }
}

TEST(Options, TimesSizesAndTextsHaveAnEnd) {
  EXPECT_THAT(refusal({"sim", "--length", "0s"}), HasSubstr("from 1ms to 365d"));
  EXPECT_THAT(refusal({"bench", "--duration", "0ms"}), HasSubstr("from 1ms"));
  EXPECT_EQ(parsed_as<cli::BenchCommand>({"bench", "--warmup", "0ms"}).settings.warmup, 0ms);
  for (const char* time :
       {"--lease", "--header-time", "--body-time", "--idle-time", "--stalled-write"}) {
    EXPECT_THAT(refusal({"server", time, "0ms"}), HasSubstr("from 1ms to 365d")) << time;
    EXPECT_THAT(refusal({"server", time, "9000h"}), HasSubstr("from 1ms to 365d")) << time;
    EXPECT_THAT(refusal({"server", time, "-1s"}), HasSubstr("250ms")) << time;
  }
  EXPECT_THAT(refusal({"server", "--max-body", "0B"}), HasSubstr("8MiB"));
  EXPECT_THAT(refusal({"server", "--listen", ""}), HasSubstr("some text"));
  EXPECT_THAT(refusal({"check", ""}), HasSubstr("some text"));
  EXPECT_THAT(refusal({"client", "--clients", "10001"}), HasSubstr("to 10000"));
}

TEST(Options, AVariableThatNobodyReadsIsNamed) {
  const char* const environment[] = {
      "HOME=/x",     "PENA_COUNT=5", "PENA_SERVER_COUNT=5", "PENA_SERVER_CUONT=5",
      "PENA_JOBS=1", nullptr};
  EXPECT_THAT(
      cli::strange_variables(environment),
      testing::ElementsAre(
          "the variable PENA_COUNT is not read: it is called PENA_SERVER_COUNT, "
          "PENA_DEMO_COUNT now",
          "the variable PENA_SERVER_CUONT is none of pena's; `pena help COMMAND` names those "
          "that are",
          "the variable PENA_JOBS is not read: it is called PENA_SIM_JOBS, PENA_WORK_JOBS now"));
}

TEST(Options, HelpAndVersionAreCommandsToo) {
  const auto text = [](std::initializer_list<const char*> arguments) {
    return parsed_as<cli::ShowText>(arguments).text;
  };
  EXPECT_EQ(text({"help"}), text({"--help"}));
  EXPECT_EQ(text({"help", "sim"}), text({"sim", "--help"}));
  EXPECT_THAT(text({"help", "sim"}), StartsWith("Run the engines"));
  EXPECT_EQ(text({"help", "help"}), text({"--help"}));
  EXPECT_EQ(text({"version"}), text({"--version"}));
  EXPECT_EQ(text({"-V"}), text({"--version"}));
  EXPECT_THAT(refusal({"help", "bogus"}), HasSubstr("bogus"));
}

TEST(Options, TheHelpNamesVariablesDefaultsAndExitCodes) {
  const auto help = parsed_as<cli::ShowText>({"server", "--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.text, AllOf(HasSubstr("PENA_SERVER_DROP_GRACE"), HasSubstr("[30s]"),
                               HasSubstr("[8MiB]"), HasSubstr("Exit codes")));
}

TEST(Options, NothingAtAllShowsTheHelpAndIsBadUsage) {
  const auto help = parsed_as<cli::ShowText>({});
  EXPECT_EQ(help.exit_code, 2);
  EXPECT_THAT(help.text, AllOf(HasSubstr("server"), HasSubstr("client"), HasSubstr("demo")));
}

TEST(Options, TheVersionIsOneLine) {
  const auto version = parsed_as<cli::ShowText>({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_THAT(version.text, StartsWith("pena 0."));
}

}  // namespace
