#include "process/fork.hpp"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <vector>

namespace pena::process {
namespace {

// What was behind a number when it was told of.
struct Own {
  dev_t device = 0;
  ino_t file = 0;  // 0: never told of
};

struct Owned {
  std::mutex mutex;
  std::vector<Own> files;  // by their number
};

// Never destroyed: a thread may fork while the process ends.
Owned& owned() {
  static auto* const the_one = new Owned;
  return *the_one;
}

void before_fork() {
  owned().mutex.lock();
}
void after_fork_in_parent() {
  owned().mutex.unlock();
}
// Only what may be called between fork and exec, for other threads may have had any lock.
void after_fork_in_child() {
  std::vector<Own>& files = owned().files;
  for (std::size_t number = 0; number < files.size(); ++number) {
    Own& own = files[number];
    if (own.file == 0) continue;
    const int file = static_cast<int>(number);
    struct stat now {};
    if (::fstat(file, &now) == 0 && now.st_dev == own.device && now.st_ino == own.file) {
      ::close(file);
    }
    own = {};
  }
  owned().mutex.unlock();
}

}  // namespace

ForkWaits::ForkWaits() : lock_(owned().mutex) {
  static const int registered =
      pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
  static_cast<void>(registered);
}

void close_in_forked_children(int file, const ForkWaits& /*proof*/) {
  struct stat now {};
  if (file < 0 || ::fstat(file, &now) != 0) return;
  std::vector<Own>& files = owned().files;
  const auto number = static_cast<std::size_t>(file);
  if (files.size() <= number) files.resize(2 * number + 1);
  files[number] = {now.st_dev, now.st_ino};
}

void close_in_forked_children(int file) {
  const ForkWaits waits;
  close_in_forked_children(file, waits);
}

}  // namespace pena::process
