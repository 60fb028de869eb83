#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "cli/commands.hpp"
#include "cli/heard.hpp"
#include "cli/live_line.hpp"
#include "cli/logging.hpp"
#include "cli/msg_variables.hpp"
#include "cli/output.hpp"
#include "cli/placeholders.hpp"
#include "cli/run.hpp"
#include "cli/starting.hpp"
#include "cli/stop_signals.hpp"
#include "cli/tally.hpp"
#include "cli/worked.hpp"
#include "client/handlers.hpp"
#include "client/payload.hpp"
#include "client/settings_error.hpp"
#include "core/number_text.hpp"
#include "process/command.hpp"

namespace pena::cli {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Between SIGTERM and SIGKILL.
constexpr std::chrono::milliseconds kEndPatience{5000};
// For a reader who reads nothing, behind a signal.
constexpr std::chrono::milliseconds kReadPatience{5000};

// Readable from when it was rung.
class Bell {
 public:
  Bell() : file_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (file_ < 0) throw std::system_error(errno, std::generic_category(), "no eventfd can be had");
  }
  ~Bell() { ::close(file_); }
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;
  void ring() {
    rung_ = true;
    ::eventfd_write(file_, 1);
  }
  [[nodiscard]] bool has_rung() const { return rung_; }
  [[nodiscard]] int file() const { return file_; }

 private:
  int file_;
  std::atomic<bool> rung_ = false;
};

// Who started this process may have had children ended unseen; then nobody could say how they ended.
class ChildrenAreSeen {
 public:
  ChildrenAreSeen() {
    struct sigaction as_usual {};
    as_usual.sa_handler = SIG_DFL;
    sigaction(SIGCHLD, &as_usual, &before_);
  }
  ~ChildrenAreSeen() { sigaction(SIGCHLD, &before_, nullptr); }
  ChildrenAreSeen(const ChildrenAreSeen&) = delete;
  ChildrenAreSeen& operator=(const ChildrenAreSeen&) = delete;

 private:
  struct sigaction before_ {};
};

class Working {
 public:
  Working(const WorkCommand& command, std::string file, Placeholders arguments)
      : command_(command),
        file_(std::move(file)),
        arguments_(std::move(arguments)),
        environment_(without_msg(environ)),
        shows_(!command.output.json && isatty(STDERR_FILENO) == 1),
        clear_(shows_ ? "\r\x1b[K" : ""),
        log_(log()),
        tally_(command.output, log_),
        starting_(command.command.front(), log_, [this] { return !is_ending(); }) {}

  int run() {
    const StopSignals signals{StopSignals::HangUp::stops, StopSignals::kApart,
                              StopSignals::Second::is_noted};
    client::WorkerSettings settings = command_.settings;
    settings.slots = command_.jobs;
    settings.log = log_;
    settings.settled = [this](const client::Settled& settled) {
      tally_.settled(settled);
    };
    settings.unknown_queue = [this](const std::string& queue) {
      say(core::LogLevel::warning, "the server has no msg of the queue \"" + queue +
                                       "\", not even one that has ended; is that its name?");
    };
    client::Worker worker{settings};
    std::optional<client::WorkerEnd> end;
    std::exception_ptr failed;
    std::thread working([&] {
      try {
        end = work_with(
            worker, [this](const client::Msg& msg) { return work_on(msg); }, command_.jobs);
      } catch (...) {
        failed = std::current_exception();
      }
      is_over_ = true;
    });
    tend(worker, signals);
    working.join();
    tally_.end();
    if (failed) {
      // Else what has failed is told first, for a reader may take for ever.
      if (signals.arrived()) (void)flush_or_tell();
      std::rethrow_exception(failed);
    }
    const int code = told(*end);
    if (!flush_or_tell() && code == kOk) return kFailed;
    return code;
  }

 private:
  // Lines of the log begin where the live line was.
  [[nodiscard]] core::LogSink log() const {
    core::LogSink sink = log_to_stderr(command_.output);
    if (!sink || clear_.empty()) return sink;
    return {[sink, clear = clear_](core::LogLevel level, std::string_view text) {
              if (sink.wants(level)) say_text(clear);
              sink(level, text);
            },
            [sink](core::LogLevel level) {
              return sink.wants(level);
            }};
  }

  void tend(client::Worker& worker, const StopSignals& signals) {
    LiveLine live{!shows_};
    constexpr auto kNever = Clock::time_point::max();
    Clock::time_point say_at = kNever;
    while (!is_over_) {
      std::this_thread::sleep_for(kLook);
      // What nobody reads is not worth the work.
      const bool is_to_stop = signals.arrived() || stdout_has_failed() || has_no_command_;
      if (is_to_stop && !was_stopped_) {
        worker.stop();
        was_stopped_ = true;
        say_at = Clock::now() + StopSignals::kApart;
      }
      // Not before another signal would be the second.
      if (Clock::now() >= say_at && !is_over_) {
        say_at = kNever;
        say(core::LogLevel::warning, "taking no more, and finishing " + core::msgs_text(running_) +
                                         "; another signal ends their commands");
      }
      const bool all_end =
          StopSignals::arrived_again() || (signals.arrived() && stdout_has_failed());
      if (all_end && !all_end_.has_rung()) all_end_.ring();
      live.show([this] { return line(); });
    }
  }

  // While signals are noted: a stop waits for nobody who reads nothing. False where something is lost.
  [[nodiscard]] bool flush_or_tell() const {
    try {
      flush_stdout(kReadPatience);
      return true;
    } catch (const OutputError& error) {
      print_error(command_.output.json, error.what());
      return false;
    }
  }

  [[nodiscard]] std::string line() const {
    return tally_.short_sum() + ", " + std::to_string(running_) + " running" +
           (was_stopped_ ? ", stopping" : "");
  }

  [[nodiscard]] int told(const client::WorkerEnd& end) const {
    if (!command_.output.json) say_line("pena: " + tally_.sum());
    if (no_command_) {
      print_error(command_.output.json, no_command_->what());
      return no_command_->exit_code;
    }
    if (end.reason == client::WorkerEndReason::refused) {
      print_error(command_.output.json, end.text);
      return kFailed;
    }
    return command_.fail_on_failed && tally_.failed_for_good() > 0 ? kSomeFailed : kOk;
  }

  // In the thread of a job.
  client::Outcome work_on(const client::Msg& msg) {
    Worked worked{msg, client::GivenBack{}, std::nullopt, 0};
    if (has_room()) {
      ++running_;
      try {
        run_for(worked);
      } catch (const NoCommand& error) {
        note_no_command(error);
      }
      --running_;
    }
    // Otherwise what is given back would come again.
    while ((stdout_has_failed() || has_no_command_) && !was_stopped_) {
      std::this_thread::sleep_for(kLook);
    }
    client::Outcome outcome = worked.outcome;
    tally_.ended(std::move(worked));
    return outcome;
  }

  // What short commands print adds up where nobody reads it.
  [[nodiscard]] bool has_room() const {
    while (!stdout_takes_another()) {
      if (was_stopped_ || all_end_.has_rung()) return false;
      std::this_thread::sleep_for(kLook);
    }
    return !all_end_.has_rung();
  }

  // A first signal finishes what runs; what has not begun to run does not.
  [[nodiscard]] bool is_ending() const {
    return was_stopped_ || has_no_command_ || all_end_.has_rung();
  }

  void note_no_command(const NoCommand& error) {
    const std::lock_guard lock(no_command_mutex_);
    if (!no_command_) no_command_ = error;
    has_no_command_ = true;
  }

  void run_for(Worked& worked) {
    Placeholders::Filled filled = arguments_.fill(worked.msg.payload);
    if (!filled.problem.empty()) {
      worked.outcome = client::Failed{filled.problem, std::nullopt, true};
      return;
    }
    const std::string payload = client::payload_text(worked.msg.payload);
    process::CommandLine line{file_, {command_.command.front()}, environment_, payload};
    for (std::string& word : filled.arguments) line.words.push_back(std::move(word));
    for (std::string& entry : variables_of(worked.msg, payload)) {
      line.environment.push_back(std::move(entry));
    }
    try {
      run_line(line, worked);
    } catch (const std::system_error& error) {
      const bool is_too_long = error.code() == std::errc::argument_list_too_long;
      worked.outcome = client::Failed{std::string{"the command cannot be run: "} + error.what(),
                                      std::nullopt, is_too_long};
    }
  }

  void run_line(const process::CommandLine& line, Worked& worked) {
    std::optional<std::chrono::milliseconds> timeout;
    if (command_.timeout) {
      timeout = std::chrono::duration_cast<std::chrono::milliseconds>(*command_.timeout);
    }
    Heard heard{command_, clear_};
    const auto command = starting_.start(line, [&heard] { return heard.listener(); });
    if (!command) return;
    const auto began = Clock::now();
    process::Ending ending{began, timeout, kEndPatience};
    const process::CommandEnd end = command->wait(ending, all_end_.file());
    heard.end();
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
    worked.seconds = static_cast<double>(took.count()) / 1000;
    if (end.signal == 0) worked.exit = end.exit_code;
    // Where nobody reads what it prints, it may not be its own fault.
    const bool has_failed = end.signal != 0 || end.exit_code != 0;
    if (ending.was_asked() || (has_failed && heard.prints() && stdout_has_failed())) return;
    std::string problem;
    const std::string result = heard.result(problem);
    worked.outcome =
        outcome_of(end, heard.error_tail(), result, ending.timed_out() ? timeout : std::nullopt);
    if (!problem.empty() && failure(worked.outcome) == nullptr) {
      say(core::LogLevel::warning,
          name_of(worked.msg) + " is done without a result, for its stdout was " + problem);
    }
  }

  void say(core::LogLevel level, const std::string& text) const {
    if (log_) log_(level, text);
  }

  const WorkCommand& command_;
  const std::string file_;
  const Placeholders arguments_;
  const std::vector<std::string> environment_;
  const bool shows_;         // how it goes, on a terminal
  const std::string clear_;  // what takes that line away
  const core::LogSink log_;
  Tally tally_;
  Bell all_end_;
  Starting starting_;
  std::mutex no_command_mutex_;
  std::optional<NoCommand> no_command_;  // it cannot be executed any more
  std::atomic<bool> has_no_command_ = false;
  std::atomic<bool> was_stopped_ = false, is_over_ = false;
  std::atomic<std::uint64_t> running_ = 0;
};

// The engine calls --queue as a limit of the server is called, which has another option.
std::string with_option(const std::string& sentence) {
  constexpr std::string_view setting = "queues ";
  return sentence.starts_with(setting) ? "--queue " + sentence.substr(setting.size()) : sentence;
}

}  // namespace

int run_work(const WorkCommand& command) {
  const std::vector<std::string>& words = command.command;
  Placeholders arguments{{words.begin() + 1, words.end()}};
  const ChildrenAreSeen seen;
  std::string file;
  try {
    file = executable(words.front());
  } catch (const NoCommand& error) {
    print_error(command.output.json, error.what() + std::string{"; no msg was taken"});
    return error.exit_code;
  }
  try {
    return Working{command, std::move(file), std::move(arguments)}.run();
  } catch (const client::SettingsError& error) {
    throw client::SettingsError(with_option(error.what()));
  }
}

}  // namespace pena::cli
