#include "store/server_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string_view>
#include <thread>

#include "process/fork.hpp"
#include "process/standard_files.hpp"
#include "store/error.hpp"
#include "store/lmdb_files.hpp"

namespace pena::store {

namespace {

constexpr std::string_view kRecovers = " recovers";
// Somebody may only look whether it is taken, for some microseconds.
constexpr std::chrono::milliseconds kOfALook{20};
constexpr std::chrono::seconds kOfARecovery{60};

std::string lock_of(const std::string& store) {
  return store + "/pena.lock";
}

}  // namespace

bool has_server(const std::string& store) {
  const process::ForkWaits waits;  // a forked child would keep it
  const int file = ::open(lock_of(store).c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 && errno == ENOENT) return false;
  if (file < 0) throw StoreError("cannot open " + lock_of(store) + ": " + std::strerror(errno));
  const bool is_taken = ::flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(file);
  return is_taken;
}

ServerLock::ServerLock(const std::string& store, For purpose)
    : path_(lock_of(store)), purpose_(purpose) {
  process::secure_standard_files();
  refuse_what_is_no_file(path_);
  const auto began = std::chrono::steady_clock::now();
  while (true) {
    open();
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
      const int code = errno;
      const auto waited = std::chrono::steady_clock::now() - began;
      const bool waits = waited < kOfALook || (waited < kOfARecovery && is_recovered());
      errno = code;
      if (code != EWOULDBLOCK || !waits) break;
      ::close(file_);
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
      continue;
    }
    // Somebody whose start failed may have taken it away meanwhile.
    struct stat about {};
    if (::fstat(file_, &about) != 0 || about.st_nlink > 0) {
      write_holder();
      return;
    }
    ::close(file_);
  }
  const int code = errno;
  const std::string holder = read_holder();
  ::close(file_);
  if (code != EWOULDBLOCK) throw StoreError("cannot lock " + path_ + ": " + std::strerror(code));
  throw StoreInUse("the store " + store + " is in use by another server" + holder);
}

void ServerLock::open() {
  constexpr int kFlags = O_RDWR | O_CREAT | O_CLOEXEC;
  {
    // A forked child would have the lock, too, and keep it when this process is gone.
    const process::ForkWaits waits;
    file_ = ::open(path_.c_str(), kFlags | O_EXCL, 0644);
    made_ = file_ >= 0;
    if (!made_ && errno == EEXIST) file_ = ::open(path_.c_str(), kFlags, 0644);
    process::close_in_forked_children(file_, waits);
  }
  if (file_ < 0) throw StoreError("cannot open " + path_ + ": " + std::strerror(errno));
}

void ServerLock::undo() const {
  if (made_) ::unlink(path_.c_str());
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

bool ServerLock::is_recovered() const {
  return read_holder().find(kRecovers) != std::string::npos;
}

// That it cannot be written harms nobody.
void ServerLock::write_holder() const {
  std::string process = std::to_string(::getpid());
  if (purpose_ == For::recovering) process += kRecovers;
  if (::ftruncate(file_, 0) != 0) return;
  [[maybe_unused]] const ssize_t written = ::pwrite(file_, process.data(), process.size(), 0);
}

}  // namespace pena::store
