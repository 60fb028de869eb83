#include "cli/starting.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <thread>
#include <utility>

#include "cli/run.hpp"
#include "cli/stop_signals.hpp"
#include "process/executable.hpp"

namespace pena::cli {
namespace {

using std::chrono::milliseconds;

// Between two tries; doubles, up to the second.
constexpr milliseconds kFirstWait{100};
constexpr milliseconds kLongestWait{5000};

std::string sentence(const std::string& name, const std::error_code& why) {
  return "the command \"" + name + "\" cannot be run: " + why.message();
}

// Its file is there, and the system says that it is not.
bool lacks_interpreter(const std::string& file, const std::error_code& why) {
  return why == std::errc::no_such_file_or_directory && ::access(file.c_str(), F_OK) == 0;
}

}  // namespace

NoCommand::NoCommand(const std::string& name, const std::string& file, const std::error_code& why)
    : std::runtime_error(sentence(name, why) +
                         (lacks_interpreter(file, why) ? ", which it needs to be run by" : "")),
      exit_code(why == std::errc::no_such_file_or_directory ? kNoCommand : kNotExecutable) {}

std::string executable(const std::string& name) {
  try {
    std::string file = process::find_command(name);
    if (const std::error_code why = process::execution_problem(file)) {
      throw NoCommand(name, file, why);
    }
    return file;
  } catch (const std::system_error& error) {
    throw NoCommand(name, {}, error.code());
  }
}

Starting::Starting(std::string name, core::LogSink log, std::function<bool()> goes_on)
    : name_(std::move(name)), log_(std::move(log)), goes_on_(std::move(goes_on)) {}

std::unique_ptr<process::Command> Starting::start(
    const process::CommandLine& line, const std::function<process::Listener()>& listener) {
  for (milliseconds wait = kFirstWait;; wait = std::min(2 * wait, kLongestWait)) {
    try {
      auto command = std::make_unique<process::Command>(line, listener());
      note_start();
      return command;
    } catch (const process::NotExecuted& error) {
      if (error.code() == std::errc::argument_list_too_long) throw;
      if (process::is_of_the_file(error.code())) throw NoCommand(name_, line.file, error.code());
      note_trouble(error.what());
    } catch (const std::system_error& error) {
      note_trouble(error.what());
    } catch (const std::bad_alloc&) {
      note_trouble("the memory is out");
    }
    if (!rest(wait)) return nullptr;
  }
}

void Starting::note_trouble(const std::string& why) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(in_trouble_, true) || !log_) return;
  log_(core::LogLevel::warning,
       "no command can be started, so the msgs that are here wait: " + why);
}

void Starting::note_start() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(in_trouble_, false) && log_) {
    log_(core::LogLevel::info, "commands can be started again");
  }
}

bool Starting::rest(milliseconds wait) const {
  const auto until = std::chrono::steady_clock::now() + wait;
  while (goes_on_() && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(kLook);
  return goes_on_();
}

}  // namespace pena::cli
