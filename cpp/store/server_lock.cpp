#include "store/server_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "process/fork.hpp"
#include "process/standard_files.hpp"
#include "store/store.hpp"

namespace pena::store {

ServerLock::ServerLock(const std::string& store) {
  const std::string path = store + "/pena.lock";
  process::secure_standard_files();
  {
    // A forked child would have the lock, too, and keep it when this process is gone.
    const process::ForkWaits waits;
    file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    process::close_in_forked_children(file_, waits);
  }
  if (file_ < 0) throw StoreError("cannot open " + path + ": " + std::strerror(errno));
  if (::flock(file_, LOCK_EX | LOCK_NB) == 0) {
    write_holder();
    return;
  }
  const int code = errno;
  const std::string holder = read_holder();
  ::close(file_);
  if (code != EWOULDBLOCK) throw StoreError("cannot lock " + path + ": " + std::strerror(code));
  throw StoreInUse("the store " + store + " is in use by another server" + holder);
}

ServerLock::~ServerLock() {
  ::close(file_);
}

void ServerLock::check() const {
  struct stat about {};
  if (::fstat(file_, &about) == 0 && about.st_nlink > 0) return;
  throw StoreError(
      "the file pena.lock of the store was deleted while it was in use: another server may use "
      "the store now");
}

std::string ServerLock::read_holder() const {
  std::array<char, 32> text{};
  const ssize_t size = ::pread(file_, text.data(), text.size() - 1, 0);
  return size > 0 ? " (process " + std::string{text.data()} + ")" : "";
}

// That it cannot be written harms nobody.
void ServerLock::write_holder() const {
  const std::string process = std::to_string(::getpid());
  if (::ftruncate(file_, 0) != 0) return;
  [[maybe_unused]] const ssize_t written = ::pwrite(file_, process.data(), process.size(), 0);
}

}  // namespace pena::store
