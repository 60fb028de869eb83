#include "process/executable.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <string_view>

namespace pena::process {
namespace {

constexpr std::array kOfTheFile{ENOENT, ENOTDIR, ENAMETOOLONG, ELOOP,   EACCES,
                                EPERM,  ENOEXEC, EISDIR,       ELIBBAD, EINVAL};
// As far as shells look for the end of the first line.
constexpr std::size_t kLooksAt = 80;

// In the child: only what may be called between fork and exec. Its exit code is the errno.
[[noreturn]] void execute_and_halt(const char* file, pid_t parent) {
  // Where its parent is killed, nobody would ever end what has halted.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(0);
  // A traced process halts once it is another program.
  if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(0);
  std::array<char*, 2> words{const_cast<char*>(file), nullptr};  // execve writes into neither
  std::array<char*, 1> environment{nullptr};
  ::execve(file, words.data(), environment.data());
  ::_exit(errno);
}

// False where nobody says how it ended.
bool wait_for(pid_t child, int& status) {
  pid_t ended = -1;
  do {
    ended = ::waitpid(child, &status, 0);
  } while (ended < 0 && errno == EINTR);
  return ended == child;
}

}  // namespace

bool is_for_the_shell(const std::string& file) {
  const int opened = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (opened < 0) return false;
  std::array<char, kLooksAt> begin{};
  const ssize_t size = ::read(opened, begin.data(), begin.size());
  ::close(opened);
  if (size < 0) return false;
  const std::string_view text{begin.data(), static_cast<std::size_t>(size)};
  return text.substr(0, text.find('\n')).find('\0') == std::string_view::npos;
}

std::error_code execution_problem(const std::string& file) {
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return {};
  if (child == 0) execute_and_halt(file.c_str(), parent);
  int status = 0;
  if (!wait_for(child, status)) return {};
  if (WIFSTOPPED(status)) {
    ::kill(child, SIGKILL);
    static_cast<void>(wait_for(child, status));
    return {};
  }
  const std::error_code error{WIFEXITED(status) ? WEXITSTATUS(status) : 0, std::generic_category()};
  const bool is_the_shells = error.value() == ENOEXEC && file != kShell && is_for_the_shell(file);
  if (is_the_shells) return execution_problem(kShell);
  return is_of_the_file(error) ? error : std::error_code{};
}

bool is_of_the_file(const std::error_code& error) {
  return error.category() == std::generic_category() &&
         std::ranges::find(kOfTheFile, error.value()) != kOfTheFile.end();
}

}  // namespace pena::process
