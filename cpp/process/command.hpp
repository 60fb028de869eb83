// A command that this process runs: started without a shell, in a process group of its own, with an input that is
// there as a whole; listened to; and ended with all of its group where it takes too long.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "process/ending.hpp"

namespace pena::process {

// The file that a name stands for: itself where it has a slash, or the first of PATH that may be executed. Throws
// std::system_error that says why there is none.
[[nodiscard]] std::string find_command(const std::string& name);

// What a string of arguments or of an environment may have at most, its end included (Linux' MAX_ARG_STRLEN).
inline constexpr std::size_t kLongestArgument = std::size_t{128} * 1024;

struct CommandLine {
  std::string file;                      // that is executed
  std::vector<std::string> words;        // the arguments; the first: what it is called by
  std::vector<std::string> environment;  // NAME=value, all of it
  std::string input;                     // its stdin
};

// What is done with what it prints. Called from the thread that waits for it. False: no more of it is wanted, so its end
// is closed.
struct Listener {
  std::function<bool(std::string_view)> out;  // none: its stdout is /dev/null
  std::function<bool(std::string_view)> err;
  std::function<bool()> has_room;  // asked before its stdout is read; none: always
};

struct CommandEnd {
  int exit_code = 0;
  int signal = 0;  // that killed it; 0: none
};

// The system would not execute the file, or not with such arguments; whatever else a start lacks is told by another
// std::system_error.
class NotExecuted : public std::system_error {
 public:
  using std::system_error::system_error;
};

// One run of a command. Whatever it has started in the background runs on, unless it was ended.
class Command {
 public:
  // Starts it. As execvp(3) has it, a script that names no interpreter is /bin/sh's. Throws NotExecuted or another
  // std::system_error.
  Command(const CommandLine& line, Listener listener);
  ~Command();  // ends it at once where it runs
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  // Until it has ended. `ending`: when it is to. `asks`: a descriptor that is readable once it is to end in any
  // case; -1: none. What it has printed by its end is listened to, and nothing that others hold its stdout for.
  [[nodiscard]] CommandEnd wait(Ending& ending, int asks);

 private:
  struct Pipe;
  void start(const CommandLine& line, int input, int out, int err);
  [[nodiscard]] int spawn(const CommandLine& line, int input, int out, int err);
  void look(Ending& ending, int asks);
  [[nodiscard]] bool has_ended();
  void read(int& file, const std::function<bool(std::string_view)>& told, bool to_the_end);
  void signal_group(int signal) const;

  Listener listener_;
  pid_t process_ = -1;
  int process_file_ = -1;  // a pidfd; -1: there are none here
  int out_ = -1, err_ = -1;
  std::vector<char> bytes_;
};

}  // namespace pena::process
