// The command `pena`, as a function: main() calls it, and so does `python -m pena.server`.
#pragma once

namespace pena::cli {

// What the process exits with. Part of the command's promise to scripts, so these never change.
enum ExitCode : int {
  kOk = 0,
  kFailed = 1,        // it failed while it ran; for `pena demo`: the story does not add up
  kBadUsage = 2,      // an option or a setting that cannot be
  kNoStore = 3,       // the store cannot be opened, or another server has it
  kNoListen = 4,      // the address cannot be listened on
  kClientEnded = 10,  // every client was ended by a msg with a period above end_above (R15)
  kSomeFailed = 123,  // a msg has failed for good, and it was asked to say so: what xargs says then
  // What shells say, too: the command that is to be run
  kNotExecutable = 126,  // is there, and cannot be executed
  kNoCommand = 127,      // is not there, or its interpreter is not
};

// Runs one command to its end and returns its exit code; never throws and never calls exit().
// argv[0] is not looked at. Results go to stdout, logs and errors to stderr. SIGINT and SIGTERM
// belong to it while it runs and are put back before it returns, so one run at a time in a process.
[[nodiscard]] int run(int argc, const char* const* argv) noexcept;

}  // namespace pena::cli
