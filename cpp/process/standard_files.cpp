#include "process/standard_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace pena::process {
namespace {

bool is_closed(int file) {
  return ::fcntl(file, F_GETFD) == -1 && errno == EBADF;
}

// The lowest free number. Inherited by children, as these three are.
int open_nothing() {
  const int null = ::open("/dev/null", O_RDWR);  // NOLINT(android-cloexec-open)
  if (null >= 0) return null;
  // Where there are no devices, a folder holds the number just as well.
  return ::open("/", O_RDONLY | O_DIRECTORY);  // NOLINT(android-cloexec-open)
}

}  // namespace

void secure_standard_files() noexcept {
  for (int file = STDIN_FILENO; file <= STDERR_FILENO; ++file) {
    if (!is_closed(file)) continue;
    const int opened = open_nothing();
    // Another thread has taken the number meanwhile: it is not free any more.
    if (opened > STDERR_FILENO) ::close(opened);
  }
}

}  // namespace pena::process
