// Real commands: what they are given, what they print, and how they end.
#include "process/command.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace pena::process {
namespace {

using namespace std::chrono_literals;

bool all(std::string_view /*text*/) {
  return true;
}

struct Ran {
  CommandEnd end;
  std::string out, err;
  bool timed_out = false, was_asked = false;
};

// `script` is run by a shell, which is the command here.
CommandLine line_of(const std::string& script, std::string input = {}) {
  return {find_command("sh"), {"sh", "-c", script}, {"PATH=/usr/bin:/bin"}, std::move(input)};
}

Ran run(const CommandLine& line, int asks = -1) {
  Ran ran;
  Command command{line,
                  {[&](std::string_view text) { return !(ran.out += text).empty(); },
                   [&](std::string_view text) { return !(ran.err += text).empty(); },
                   {}}};
  Ending ending{std::chrono::steady_clock::now(), std::nullopt, 5s};
  ran.end = command.wait(ending, asks);
  ran.was_asked = ending.was_asked();
  return ran;
}

// Whether a process of that number is left; one that has ended is not.
bool is_left(const std::string& process) {
  std::ifstream about("/proc/" + process + "/stat");
  std::string number, name, state;
  return about >> number >> name >> state && state != "Z";
}

TEST(Command, IsGivenItsInputAndItsEnvironmentAndSaysHowItEnded) {
  CommandLine line = line_of("cat; echo \"$GIVEN\" >&2; exit 3", "hello");
  line.environment.emplace_back("GIVEN=a b");
  const Ran ran = run(line);
  EXPECT_EQ(ran.end.exit_code, 3);
  EXPECT_EQ(ran.end.signal, 0);
  EXPECT_EQ(ran.out, "hello");
  EXPECT_EQ(ran.err, "a b\n");
}

TEST(Command, MayLeaveItsInputUnread) {
  const Ran ran = run(line_of("exec <&-; echo done", std::string(1 << 22, 'x')));
  EXPECT_EQ(ran.end.exit_code, 0);
  EXPECT_EQ(ran.out, "done\n");
}

TEST(Command, KilledByASignalSaysWhich) {
  EXPECT_EQ(run(line_of("kill -SEGV $$")).end.signal, SIGSEGV);
}

TEST(Command, PrintsAsMuchAsItLikes) {
  std::size_t bytes = 0;
  Command command{line_of("head -c 300000000 /dev/zero; head -c 100000000 /dev/zero >&2"),
                  {[&](std::string_view text) { return (bytes += text.size()) > 0; },
                   [&](std::string_view text) { return (bytes += text.size()) > 0; },
                   {}}};
  Ending ending{{}, std::nullopt, 5s};
  EXPECT_EQ(command.wait(ending, -1).exit_code, 0);
  EXPECT_EQ(bytes, 400'000'000U);
}

TEST(Command, WaitsForRoomForWhatItPrints) {
  int refused = 0;
  std::string out;
  Command command{line_of("echo a"),
                  {[&](std::string_view text) { return !(out += text).empty(); }, all,
                   [&] {
                     return ++refused > 2;
                   }}};
  Ending ending{{}, std::nullopt, 5s};
  EXPECT_EQ(command.wait(ending, -1).exit_code, 0);
  EXPECT_EQ(out, "a\n");
}

// It would hang for as long as the sleep does.
TEST(Command, WhatItLeavesInTheBackgroundIsNotWaitedFor) {
  const Ran ran = run(line_of("sleep 1000 & echo $!"));
  EXPECT_EQ(ran.end.exit_code, 0);
  const std::string process = ran.out.substr(0, ran.out.size() - 1);
  EXPECT_TRUE(is_left(process));
  ::kill(std::stoi(process), SIGKILL);
}

TEST(Command, WhoseOutputIsNotWantedAnyMoreHearsOfIt) {
  int pieces = 0;
  Command command{line_of("exec yes"), {[&](std::string_view) { return ++pieces < 3; }, all, {}}};
  Ending ending{{}, std::nullopt, 5s};
  EXPECT_EQ(command.wait(ending, -1).signal, SIGPIPE);
  EXPECT_EQ(pieces, 3);
}

TEST(Command, WithoutAListenerItsStdoutIsNowhere) {
  Command command{line_of("echo a; readlink /proc/self/fd/1 >&2"), {{}, all, {}}};
  Ending ending{{}, std::nullopt, 5s};
  EXPECT_EQ(command.wait(ending, -1).exit_code, 0);
}

// It makes this file when it is as far as its test needs it to be: only then does its time begin. On a busy machine it
// would be ended before, whatever its timeout.
class Begun {
 public:
  Begun() { std::filesystem::remove(path()); }
  ~Begun() { std::filesystem::remove(path()); }
  Begun(const Begun&) = delete;
  Begun& operator=(const Begun&) = delete;
  [[nodiscard]] static std::string path() {
    return std::filesystem::temp_directory_path() / ("pena-begun-" + std::to_string(::getpid()));
  }
  static void wait() {
    while (!std::filesystem::exists(path())) std::this_thread::sleep_for(1ms);
  }
};

// `script` makes the file of a Begun.
Ran run_out_of_time(const std::string& script, std::chrono::milliseconds patience) {
  const Begun begun;
  Ran ran;
  Command command{line_of(script),
                  {[&](std::string_view text) { return !(ran.out += text).empty(); }, all, {}}};
  Begun::wait();
  Ending ending{std::chrono::steady_clock::now(), 1ms, patience};
  ran.end = command.wait(ending, -1);
  ran.timed_out = ending.timed_out();
  return ran;
}

TEST(Command, ThatTakesTooLongIsEndedWithWhatItHasStarted) {
  const Ran ran = run_out_of_time("sleep 1000 & echo $!; >" + Begun::path() + "; wait", 5s);
  EXPECT_TRUE(ran.timed_out);
  EXPECT_EQ(ran.end.signal, SIGTERM);
  EXPECT_FALSE(is_left(ran.out.substr(0, ran.out.size() - 1)));
}

TEST(Command, ThatDoesNotListenIsKilled) {
  const std::string deaf = "trap '' TERM; >" + Begun::path() + "; ";
  const Ran ran = run_out_of_time(deaf + "while :; do sleep 0.01; done", 50ms);
  EXPECT_TRUE(ran.timed_out);
  EXPECT_EQ(ran.end.signal, SIGKILL);
}

// The command ends at once, and what it has started has its time.
TEST(Command, WhatItHasStartedMayEndInItsOwnTime) {
  const std::string folder = std::filesystem::temp_directory_path();
  const std::string mark = folder + "/pena-command-" + std::to_string(::getpid());
  const std::string slow = "trap 'sleep 0.2; echo >" + mark + "; exit' TERM; >" + Begun::path();
  const Ran ran = run_out_of_time("(" + slow + "; while :; do sleep 0.01; done) & wait", 60s);
  EXPECT_EQ(ran.end.signal, SIGTERM);
  EXPECT_TRUE(std::filesystem::remove(mark));
}

TEST(Command, EndsWhenSomebodyAsks) {
  const int bell = ::eventfd(1, EFD_CLOEXEC);
  const Ran ran = run(line_of("exec sleep 1000"), bell);
  EXPECT_TRUE(ran.was_asked);
  EXPECT_EQ(ran.end.signal, SIGTERM);
  ::close(bell);
}

TEST(Command, IsEndedByWhoeverForgetsIt) {
  std::string out;
  { Command command{line_of("exec sleep 1000"), {{}, all, {}}}; }
  SUCCEED() << "it would wait for a thousand seconds";
}

// Beyond its own three: whoever started this test may have left it some without close-on-exec.
int inheritable_files() {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int file = std::stoi(entry.path().filename());
    const int flags = ::fcntl(file, F_GETFD);
    if (file > STDERR_FILENO && flags != -1 && (flags & FD_CLOEXEC) == 0) ++count;
  }
  return count;
}

TEST(Command, HasNoFilesButItsOwnThree) {
  const int open = ::eventfd(0, EFD_CLOEXEC);
  const Ran ran = run(line_of("ls /proc/self/fd"));
  // And that of the folder which is listed.
  EXPECT_EQ(std::ranges::count(ran.out, '\n'), 3 + 1 + inheritable_files());
  ::close(open);
}

TEST(Command, ManyRunAtOnce) {
  std::vector<std::thread> jobs;
  std::atomic<int> good = 0;
  for (int job = 0; job < 64; ++job) {
    jobs.emplace_back([&good, job] {
      const Ran ran = run(line_of("cat; exit " + std::to_string(job), std::to_string(job)));
      good += ran.out == std::to_string(job) && ran.end.exit_code == job ? 1 : 0;
    });
  }
  for (std::thread& job : jobs) job.join();
  EXPECT_EQ(good, 64);
}

TEST(FindCommand, LooksAsAShellDoes) {
  EXPECT_THAT(find_command("sh"), testing::EndsWith("/sh"));
  EXPECT_EQ(find_command("/bin/sh"), "/bin/sh");
}

TEST(FindCommand, SaysWhyThereIsNone) {
  const auto code_of = [](const std::string& name) {
    try {
      (void)find_command(name);
    } catch (const std::system_error& error) {
      return error.code().value();
    }
    return 0;
  };
  EXPECT_EQ(code_of("pena-no-such-command"), ENOENT);
  EXPECT_EQ(code_of("/no/such/command"), ENOENT);
  EXPECT_EQ(code_of("/etc/passwd"), EACCES);
  EXPECT_EQ(code_of("/etc"), EACCES);
  EXPECT_EQ(code_of(""), ENOENT);
}

TEST(Command, ThatCannotBeStartedIsAnError) {
  CommandLine line = line_of("true");
  line.words.push_back(std::string(kLongestArgument, 'x'));
  const auto start = [&] {
    Command command{line, {{}, all, {}}};
  };
  try {
    start();
    FAIL() << "it was started";
  } catch (const NotExecuted& error) {
    EXPECT_EQ(error.code(), std::errc::argument_list_too_long);
  }
}

}  // namespace
}  // namespace pena::process
