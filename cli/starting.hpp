// The commands of `pena work` are started, whatever this machine is short of.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>

#include "core/log.hpp"
#include "process/command.hpp"

namespace pena::cli {

// The command itself cannot be executed: no msg can be worked on.
class NoCommand : public std::runtime_error {
 public:
  // `name`: as it was typed. `file`: what was executed for it; empty: none was found.
  NoCommand(const std::string& name, const std::string& file, const std::error_code& why);
  int exit_code;  // as shells have it: 127 where there is none, 126 where it cannot be executed
};

// The file of the command `name`. Throws NoCommand, also where only its interpreter is missing.
[[nodiscard]] std::string executable(const std::string& name);

// All members may be called from any thread.
class Starting {
 public:
  // `goes_on` is asked now and then, and ends a wait where it says no.
  Starting(std::string name, core::LogSink log, std::function<bool()> goes_on);

  // A machine that is out of descriptors, processes or memory is waited for, for that is no fault of a msg: so this
  // returns nothing only where it is not to go on. Throws NoCommand, and std::system_error for what is wrong with
  // the arguments.
  [[nodiscard]] std::unique_ptr<process::Command> start(
      const process::CommandLine& line, const std::function<process::Listener()>& listener);

 private:
  void note_trouble(const std::string& why);
  void note_start();
  [[nodiscard]] bool rest(std::chrono::milliseconds wait) const;

  const std::string name_;
  const core::LogSink log_;
  const std::function<bool()> goes_on_;
  std::mutex mutex_;
  bool in_trouble_ = false;  // and that was said
};

}  // namespace pena::cli
