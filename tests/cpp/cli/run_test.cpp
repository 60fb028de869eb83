// The command as a whole, over the real engines: what it prints and what it exits with.
#include "cli/run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <thread>
#include <vector>

#include "server/server.hpp"

namespace {

using namespace pena;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

struct Outcome {
  int code = -1;
  std::string out, err;
};

int run(const std::vector<std::string>& arguments) {
  std::vector<const char*> argv{"pena"};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  return cli::run(static_cast<int>(argv.size()), argv.data());
}

Outcome outcome_of(const std::vector<std::string>& arguments) {
  Outcome outcome;
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  outcome.code = run(arguments);
  outcome.out = testing::internal::GetCapturedStdout();
  outcome.err = testing::internal::GetCapturedStderr();
  return outcome;
}

class Run : public testing::Test {
 protected:
  Run() {
    std::string made = (std::filesystem::temp_directory_path() / "pena-run-XXXXXX").string();
    if (mkdtemp(made.data()) == nullptr) std::abort();
    folder_ = made;
  }
  ~Run() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  [[nodiscard]] std::string store() const { return folder_ / "store"; }

  // A server in this process, as another that the command meets.
  [[nodiscard]] server::ServerSettings settings() const {
    server::ServerSettings settings;
    settings.listen = "127.0.0.1:0";
    settings.store = store();
    settings.generator.seed = 1;
    return settings;
  }

  std::filesystem::path folder_;
};

TEST_F(Run, TheVersionGoesToStdout) {
  const Outcome outcome = outcome_of({"--version"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out, "pena 0.1.0\n");
}

TEST_F(Run, NothingAtAllPrintsTheHelpAndExitsWith2) {
  const Outcome outcome = outcome_of({});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.out, HasSubstr("Usage: pena"));
}

TEST_F(Run, BadUsageIsASentenceOnStderrAndExitsWith2) {
  const Outcome outcome = outcome_of({"server", "--lease", "30"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, AllOf(StartsWith("pena: --lease: expected"), HasSubstr("250ms")));
}

TEST_F(Run, WithJsonAnErrorIsAnObject) {
  const Outcome outcome = outcome_of({"server", "--lease", "30", "--json"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, StartsWith("{\"error\":\"--lease: expected"));
}

TEST_F(Run, SettingsThatDoNotFitTogetherExitWith2AndNameBothSides) {
  const Outcome outcome =
      outcome_of({"server", "--listen", "127.0.0.1:0", "--store", store(), "--drop-grace", "1s"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("--drop-grace"), HasSubstr("silence")));
}

TEST_F(Run, AStoreThatAnotherServerHasExitsWith3) {
  const server::Server other{settings()};
  const Outcome outcome = outcome_of({"server", "--listen", "127.0.0.1:0", "--store", store()});
  EXPECT_EQ(outcome.code, 3);
  EXPECT_THAT(outcome.err, StartsWith("pena: "));
}

TEST_F(Run, AnAddressThatAnotherServerHasExitsWith4) {
  const server::Server other{settings()};
  const Outcome outcome =
      outcome_of({"server", "--listen", "127.0.0.1:" + std::to_string(other.port()), "--store",
                  folder_ / "mine"});
  EXPECT_EQ(outcome.code, 4);
  EXPECT_THAT(outcome.err, StartsWith("pena: "));
}

// Serves in a process of its own, and sends it a signal as soon as its first line is there.
[[noreturn]] void serve_until_the_signal(const std::string& store) {
  int ends[2];
  if (pipe(ends) != 0 || dup2(ends[1], STDOUT_FILENO) < 0) std::abort();
  std::thread{[from = ends[0]] {
    std::string line;
    for (char c = 0; read(from, &c, 1) == 1 && c != '\n';) line += c;
    const int signal = line.starts_with("listening on http://127.0.0.1:") ? SIGTERM : SIGKILL;
    // Until it is heard: under ThreadSanitizer a handler that was put off may never come.
    pollfd end{from, POLLIN, 0};
    do {
      kill(getpid(), signal);
    } while (poll(&end, 1, 2000) == 0);
  }}.detach();
  std::_Exit(run({"server", "--listen", "127.0.0.1:0", "--store", store, "--log-level", "off"}));
}

TEST_F(Run, ASignalEndsTheServerWithASummaryAndExitCode0) {
  EXPECT_EXIT(serve_until_the_signal(store()), testing::ExitedWithCode(0),
              "pena: stopped after 0 generated");
}

TEST_F(Run, AClientThatAPeriodEndsExitsWith10) {
  const server::Server server{settings()};
  const Outcome outcome =
      outcome_of({"client", "--url", server.url(), "--clients", "2", "--end-above", "0"});
  EXPECT_EQ(outcome.code, 10);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("client 1, batchsize"), HasSubstr("client 2, batchsize"),
                                 HasSubstr("period_too_long")));
}

TEST_F(Run, AClientThatHasDoneItsBatchesExitsWith0) {
  const server::Server server{settings()};
  const Outcome outcome =
      outcome_of({"client", "--url", server.url(), "--batchsize", "1", "--max-batches", "1",
                  "--panic-above", "1", "--end-above", "1000", "--json"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("\"client\":1"), HasSubstr("\"reported\":1")));
}

TEST_F(Run, TheDemosStoryAddsUp) {
  const Outcome outcome =
      outcome_of({"demo", "--clients", "3", "--count", "12", "--seed", "3", "--max-resends", "1"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("It adds up"), HasSubstr("generated             12\n")));
}

TEST_F(Run, TheDemoRefusesAStoreThatHoldsSomething) {
  { const server::Server other{settings()}; }
  const Outcome outcome = outcome_of({"demo", "--store", store()});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("not empty"));
}

}  // namespace
