#include "process/command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>
#include <thread>
#include <utility>

#include "process/executable.hpp"

namespace pena::process {
namespace {

using namespace std::chrono_literals;
using Time = Ending::Time;

constexpr std::size_t kPiece = std::size_t{64} * 1024;
// Behind the end of a command: as much as a pipe holds, whoever writes on.
constexpr std::size_t kMostBehindTheEnd = std::size_t{1} << 20U;
// Where nothing tells that a command has ended, or that there is room for what it prints.
constexpr std::chrono::milliseconds kLook{20};

[[noreturn]] void fail(int code, const std::string& what) {
  throw std::system_error(code, std::generic_category(), what);
}

void close_file(int& file) {
  if (file >= 0) ::close(std::exchange(file, -1));
}

// A file without a name, from which as much can be read as the command likes: a pipe would have to be fed, and
// may be closed by who does not want it.
int input_of(const std::string& text) {
  const int file = ::memfd_create("payload", MFD_CLOEXEC);
  if (file < 0) fail(errno, "no memory for its input");
  for (std::size_t at = 0; at < text.size();) {
    // The place from which the command reads stays at the begin.
    const ssize_t size = ::pwrite(file, text.data() + at, text.size() - at, static_cast<off_t>(at));
    if (size < 0 && errno != EINTR) {
      const int code = errno;
      ::close(file);
      fail(code, "no memory for its input");
    }
    at += static_cast<std::size_t>(std::max<ssize_t>(size, 0));
  }
  return file;
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> all;
  all.reserve(words.size() + 1);
  // posix_spawn writes into none of them.
  for (const std::string& word : words) all.push_back(const_cast<char*>(word.c_str()));
  all.push_back(nullptr);
  return all;
}

// What a command that was to end has left of its group has as long as it had. Nobody else's group has that number
// while there is anybody in this one.
void end_rest(pid_t group, Ending& ending) {
  while (::kill(-group, 0) == 0) {
    const int signal = ending.due(Time::clock::now());
    if (signal != 0) ::kill(-group, signal);
    if (!ending.next()) return;
    std::this_thread::sleep_for(kLook);
  }
}

bool may_be_executed(const std::string& file) {
  struct stat about {};
  if (::stat(file.c_str(), &about) != 0) return false;
  if (S_ISREG(about.st_mode) && ::access(file.c_str(), X_OK) == 0) return true;
  errno = EACCES;
  return false;
}

// What is undone where a start fails in the middle.
struct Actions {
  Actions() {
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
  }
  ~Actions() {
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
  }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
};

}  // namespace

std::string find_command(const std::string& name) {
  int code = ENOENT;
  if (name.find('/') != std::string::npos) {
    if (may_be_executed(name)) return name;
    fail(errno, name);
  }
  const char* const variable = std::getenv("PATH");
  std::string path = variable != nullptr ? variable : "/bin:/usr/bin";
  for (std::size_t at = 0; !name.empty() && at <= path.size();) {
    const std::size_t end = std::min(path.find(':', at), path.size());
    const std::string folder = path.substr(at, end - at);
    std::string file = (folder.empty() ? "." : folder) + "/" + name;
    if (may_be_executed(file)) return file;
    if (errno == EACCES) code = EACCES;
    at = end + 1;
  }
  fail(code, name);
}

// Both ends are nobody else's, whoever starts something meanwhile; this side does not block.
struct Command::Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail(errno, "no pipe can be had");
    reading = ends[0];
    writing = ends[1];
    ::fcntl(reading, F_SETFL, O_NONBLOCK);
  }
  // Opened here: what posix_spawn does not open could be told from nothing else that is missing.
  static Pipe to_nothing() {
    const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null < 0) fail(errno, "no /dev/null can be had");
    return Pipe{null};
  }
  explicit Pipe(int only_writing) : writing(only_writing) {}
  ~Pipe() {
    close_file(reading);
    close_file(writing);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  int reading = -1, writing = -1;
};

Command::Command(const CommandLine& line, Listener listener)
    : listener_(std::move(listener)), bytes_(kPiece) {
  int input = input_of(line.input);
  try {
    Pipe out = listener_.out ? Pipe{} : Pipe::to_nothing();
    Pipe err;
    start(line, input, out.writing, err.writing);
    out_ = std::exchange(out.reading, -1);
    err_ = std::exchange(err.reading, -1);
  } catch (...) {
    close_file(input);
    throw;
  }
  close_file(input);
  process_file_ = static_cast<int>(::syscall(SYS_pidfd_open, process_, 0));
}

void Command::start(const CommandLine& line, int input, int out, int err) {
  int code = spawn(line, input, out, err);
  if (code == ENOEXEC && is_for_the_shell(line.file)) {
    CommandLine shells{kShell, {kShell, line.file}, line.environment, {}};
    if (!line.words.empty()) {
      shells.words.insert(shells.words.end(), line.words.begin() + 1, line.words.end());
    }
    code = spawn(shells, input, out, err);
  }
  if (code != 0) throw NotExecuted(code, std::generic_category(), line.file);
}

// posix_spawn shares the memory until the command runs, so it costs the same however large this process is; and it
// says here what is wrong with the command. Returns its errno.
int Command::spawn(const CommandLine& line, int input, int out, int err) {
  Actions actions;
  posix_spawn_file_actions_adddup2(&actions.files, input, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions.files, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions.files, err, STDERR_FILENO);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&actions.attributes, &none);
  posix_spawnattr_setpgroup(&actions.attributes, 0);
  posix_spawnattr_setflags(&actions.attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  const std::vector<char*> words = pointers(line.words);
  const std::vector<char*> environment = pointers(line.environment);
  const int code = posix_spawn(&process_, line.file.c_str(), &actions.files, &actions.attributes,
                               words.data(), environment.data());
  if (code != 0) process_ = -1;
  return code;
}

Command::~Command() {
  if (process_ > 0) {
    signal_group(SIGKILL);
    int status = 0;
    while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
    }
  }
  close_file(process_file_);
  close_file(out_);
  close_file(err_);
}

CommandEnd Command::wait(Ending& ending, int asks) {
  while (!has_ended()) look(ending, asks);
  read(out_, listener_.out, true);
  read(err_, listener_.err, true);
  int status = 0;
  while (::waitpid(process_, &status, 0) < 0) {
    if (errno != EINTR) fail(errno, "nobody says how it ended");
  }
  const pid_t group = std::exchange(process_, -1);
  if (ending.has_begun()) end_rest(group, ending);
  return WIFSIGNALED(status) ? CommandEnd{0, WTERMSIG(status)} : CommandEnd{WEXITSTATUS(status), 0};
}

bool Command::has_ended() {
  siginfo_t about{};
  if (::waitid(P_PID, static_cast<id_t>(process_), &about, WEXITED | WNOHANG | WNOWAIT) != 0) {
    if (errno != EINTR) fail(errno, "nobody says how it ended");
    return false;
  }
  return about.si_pid == process_;
}

// Waits until something happens, and does what is due.
void Command::look(Ending& ending, int asks) {
  const bool may_read = out_ >= 0 && (!listener_.has_room || listener_.has_room());
  std::array<pollfd, 4> files{{{process_file_, POLLIN, 0},
                               {may_read ? out_ : -1, POLLIN, 0},
                               {err_, POLLIN, 0},
                               {ending.has_begun() ? -1 : asks, POLLIN, 0}}};
  int patience = -1;
  if (const auto next = ending.next()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Time::clock::now());
    patience = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
  }
  if (process_file_ < 0 || (out_ >= 0 && !may_read)) {
    const int look = static_cast<int>(kLook.count());
    patience = patience < 0 ? look : std::min(patience, look);
  }
  const int ready = ::poll(files.data(), files.size(), patience);
  const Time now = Time::clock::now();
  if (ready > 0) {
    if (files[1].revents != 0) read(out_, listener_.out, false);
    if (files[2].revents != 0) read(err_, listener_.err, false);
    if (files[3].revents != 0) ending.ask(now);
  }
  if (const int signal = ending.due(now); signal != 0) signal_group(signal);
}

// `to_the_end`: all that is there. Otherwise one piece.
void Command::read(int& file, const std::function<bool(std::string_view)>& told, bool to_the_end) {
  for (std::size_t sum = 0; file >= 0 && sum < kMostBehindTheEnd;) {
    const ssize_t size = ::read(file, bytes_.data(), bytes_.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) return close_file(file);
    if (!told({bytes_.data(), static_cast<std::size_t>(size)})) return close_file(file);
    if (!to_the_end) return;
    sum += static_cast<std::size_t>(size);
  }
}

void Command::signal_group(int signal) const {
  ::kill(-process_, signal);
}

}  // namespace pena::process
