#include "cli/line_writer.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <system_error>
#include <utility>

#include "cli/stop_signals.hpp"

namespace pena::cli {
namespace {

using Clock = std::chrono::steady_clock;

// A pipe has room again by the page: so a reader is seen, however little he takes at a time.
constexpr std::size_t kPieceOfWrite = std::size_t{4} << 10U;

}  // namespace

struct LineWriter::Shared {
  Shared(int its_file, std::size_t most) : file(its_file), most_bytes(most) {}

  const int file;
  const std::size_t most_bytes;
  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  std::string waiting;
  std::uint64_t put_bytes = 0, done_bytes = 0;
  std::uint64_t dropped_lines = 0;
  std::function<std::string(const std::string&)> dropped_line;
  int failed = 0;
  bool closed = false;
  bool ended = false;  // nobody writes any more

  // Returns the errno of a write that failed, or 0.
  [[nodiscard]] static int write_all(int to, std::string_view text) {
    while (!text.empty()) {
      const ssize_t size = ::write(to, text.data(), text.size());
      if (size < 0 && errno == EAGAIN) {  // whoever shares the descriptor made it so
        pollfd room{to, POLLOUT, 0};
        ::poll(&room, 1, -1);
      } else if (size < 0 && errno != EINTR) {
        return errno;
      }
      if (size <= 0) continue;
      text.remove_prefix(static_cast<std::size_t>(size));
    }
    return 0;
  }

  void note_dropped() {
    if (dropped_lines == 0) return;
    const std::string sentence =
        std::to_string(std::exchange(dropped_lines, 0)) + " lines of the log were dropped";
    const std::string line = dropped_line ? dropped_line(sentence) : sentence + "\n";
    put_bytes += line.size();
    waiting += line;
  }

  void run() {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [this] { return !waiting.empty() || closed; });
      if (waiting.empty()) break;
      const std::string taken = std::exchange(waiting, {});
      int code = 0;
      std::string_view left = taken;
      while (!left.empty()) {
        const std::string_view piece = left.substr(0, kPieceOfWrite);
        lock.unlock();
        code = write_all(file, piece);
        lock.lock();
        if (code != 0) break;
        left.remove_prefix(piece.size());
        done_bytes += piece.size();
        changed.notify_all();
      }
      // Under the same lock as the failure, or whoever flushes would take what is lost for written.
      done_bytes += left.size();
      if (code != 0) {
        failed = code;
        dropped_lines += static_cast<std::uint64_t>(std::ranges::count(left, '\n'));
      } else {
        note_dropped();
      }
      changed.notify_all();
    }
    ended = true;
    changed.notify_all();
  }
};

LineWriter::LineWriter(int file, std::size_t most_bytes)
    : shared_(std::make_shared<Shared>(file, most_bytes)) {}

LineWriter::~LineWriter() {
  std::unique_lock lock(shared_->mutex);
  shared_->closed = true;
  shared_->changed.notify_all();
  if (!thread_.joinable()) return;
  shared_->changed.wait_for(lock, kPatience, [this] { return shared_->ended; });
  const bool ended = shared_->ended;
  lock.unlock();
  if (ended) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

void LineWriter::put(std::string_view text) {
  const std::lock_guard lock(shared_->mutex);
  if (shared_->closed) return;
  if (shared_->waiting.size() + text.size() > shared_->most_bytes) {
    ++shared_->dropped_lines;
    return;
  }
  shared_->put_bytes += text.size();
  shared_->waiting += text;
  if (!thread_.joinable()) start();
  shared_->changed.notify_all();
}

// With the mutex.
void LineWriter::start() {
  try {
    thread_ = std::thread([shared = shared_] { shared->run(); });
  } catch (const std::system_error&) {
    // No thread can be had: what is said matters more than who waits.
    const std::string taken = std::exchange(shared_->waiting, {});
    shared_->failed = Shared::write_all(shared_->file, taken);
    shared_->done_bytes += taken.size();
  }
}

bool LineWriter::flush(Milliseconds patience, const std::function<bool()>& goes_on) {
  const auto until = Clock::now() + patience;
  std::unique_lock lock(shared_->mutex);
  const std::uint64_t wanted = shared_->put_bytes;
  const auto is_over = [&] {
    return shared_->done_bytes >= wanted || shared_->failed != 0;
  };
  while (!is_over()) {
    const auto now = Clock::now();
    if (now >= until || (goes_on && !goes_on())) return false;
    shared_->changed.wait_for(lock, std::min<Clock::duration>(kLook, until - now), is_over);
  }
  return shared_->failed == 0;
}

std::size_t LineWriter::waiting() const {
  const std::lock_guard lock(shared_->mutex);
  return static_cast<std::size_t>(shared_->put_bytes - shared_->done_bytes);
}

int LineWriter::failure() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->failed;
}

void LineWriter::tell_dropped_by(std::function<std::string(const std::string&)> line) {
  const std::lock_guard lock(shared_->mutex);
  shared_->dropped_line = std::move(line);
}

}  // namespace pena::cli
