#include "store/lmdb_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <vector>

#include "process/fork.hpp"
#include "store/error.hpp"
#include "store/lmdb_env.hpp"

namespace pena::store {
namespace {

// Whoever opened a lock file of his own meanwhile is not seen for so long.
constexpr std::chrono::milliseconds kBetweenLooksAtLock{100};

FileKey key_from(const struct stat& about) {
  return {about.st_dev, about.st_ino};
}

// The descriptors of this process.
std::vector<int> descriptors() {
  std::vector<int> found;
  std::error_code error;
  for (std::filesystem::directory_iterator one("/proc/self/fd", error), end; !error && one != end;
       one.increment(error)) {
    const std::string name = one->path().filename().string();
    int number = -1;
    const auto read = std::from_chars(name.data(), name.data() + name.size(), number);
    if (read.ec == std::errc{}) found.push_back(number);
  }
  return found;
}

void sync_and_close(int descriptor, const std::string& what) {
  const int failed = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  if (failed != 0) throw StoreError("cannot sync " + what + ": " + std::strerror(failed));
}

}  // namespace

std::optional<FileKey> key_of(const std::string& file) {
  struct stat about {};
  if (::stat(file.c_str(), &about) != 0) return std::nullopt;
  return key_from(about);
}

std::string data_file_of(const std::string& folder) {
  return folder + "/data.mdb";
}

std::string lock_file_of(const std::string& folder) {
  return folder + "/lock.mdb";
}

bool is_full(const std::string& folder) {
  struct statvfs about {};
  if (folder.empty() || ::statvfs(folder.c_str(), &about) != 0) return false;
  constexpr unsigned long kHardlyAnything = 256 * 1024;
  return about.f_bavail * about.f_frsize < kHardlyAnything;
}

void refuse_network_file_system(const std::string& folder) {
  struct statfs about {};
  if (::statfs(folder.c_str(), &about) != 0) return;
  constexpr std::array<unsigned long, 4> kNetwork{0x6969, 0x517B, 0xFF534D42, 0xFE534D42};
  for (const unsigned long type : kNetwork) {
    if (static_cast<unsigned long>(about.f_type) == type) {
      throw StoreError("the store " + folder +
                       " lies on a network file system; expected a local one, for LMDB's locks "
                       "and syncs do not hold over a network");
    }
  }
}

void refuse_what_is_no_file(const std::string& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0 || S_ISREG(about.st_mode)) return;
  throw StoreError(path + " is no regular file; expected one of a store of Pena");
}

int have_lock_file(const std::string& folder, unsigned readers) {
  constexpr off_t kReaderBytes = 64;
  const off_t bytes = 2 * kReaderBytes * readers;
  const int file = ::open(lock_file_of(folder).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) return 0;  // LMDB says what is wrong
  // Where the file system cannot do that, nothing is known.
  const int code = ::fallocate(file, FALLOC_FL_KEEP_SIZE, 0, bytes) == 0 ? 0 : errno;
  ::close(file);
  return code == ENOSPC || code == EDQUOT ? code : 0;
}

void sync_folder(const std::string& path) {
  const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  sync_and_close(folder, "the folder " + path);
}

void sync_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw StoreError("cannot open " + path + ": " + std::strerror(errno));
  sync_and_close(file, path);
}

void sync_folders_up_from(const std::string& folder) {
  std::filesystem::path one = std::filesystem::absolute(folder).lexically_normal();
  for (; one != one.parent_path(); one = one.parent_path()) sync_folder(one);
}

LmdbFiles::LmdbFiles(std::string path, std::string folder)
    : path_(std::move(path)), folder_(std::move(folder)) {}

void LmdbFiles::opened(int data) {
  struct stat own {};
  if (::fstat(data, &own) != 0) throw_lmdb("cannot open the store " + path_, errno);
  data_ = data;
  data_key_ = key_from(own);
  const std::optional<FileKey> lock = key_of(lock_file_of(folder_));
  std::vector<int> numbers = descriptors();
  numbers.push_back(data);
  for (const int number : numbers) {
    struct stat about {};
    if (::fstat(number, &about) != 0) continue;
    const FileKey key = key_from(about);
    if (key != data_key_ && key != lock) continue;
    ::fcntl(number, F_SETFD, FD_CLOEXEC);
    process::close_in_forked_children(number);
    if (key != lock) continue;
    lock_ = number;
    lock_key_ = key;
    lock_bytes_ = about.st_size;
  }
}

LmdbFiles::Map LmdbFiles::map() const {
  const std::string name = std::filesystem::weakly_canonical(data_file_of(folder_)).string();
  Map map;
  std::uintptr_t end = 0;
  std::ifstream lines("/proc/self/maps");
  for (std::string line; std::getline(lines, line);) {
    if (!line.ends_with(" " + name)) continue;
    std::uintptr_t from = 0;
    std::uintptr_t to = 0;
    const char* const stop = line.data() + line.size();
    const auto first = std::from_chars(line.data(), stop, from, 16);
    if (first.ec != std::errc{} || first.ptr == stop || *first.ptr != '-') continue;
    if (std::from_chars(first.ptr + 1, stop, to, 16).ec != std::errc{}) continue;
    map.begin = end == 0 ? from : std::min(map.begin, from);
    end = std::max(end, to);
    map.bytes = end - map.begin;
  }
  return map;
}

void LmdbFiles::check() const {
  const long known = least_bytes_.load(std::memory_order_acquire);
  struct stat named {};
  if (::stat(data_file_of(folder_).c_str(), &named) != 0 || key_from(named) != data_key_) {
    throw StoreError("the file of the store " + path_ +
                     " was deleted, moved or replaced while it was in use: what is written now "
                     "would be lost");
  }
  check_is_length(known, named.st_size);
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  const std::chrono::steady_clock::duration looked_at{lock_looked_at_.load()};
  if (now < looked_at + kBetweenLooksAtLock) return;
  lock_looked_at_ = now.count();
  check_lock();
}

void LmdbFiles::check_lock() const {
  if (!lock_key_) return;
  struct stat named {};
  if (::stat(lock_file_of(folder_).c_str(), &named) != 0 || key_from(named) != *lock_key_) {
    throw StoreError("the file lock.mdb of the store " + path_ +
                     " was deleted, moved or replaced while it was in use: whoever reads the store "
                     "now is not seen, and what it reads would be overwritten");
  }
  if (named.st_size < lock_bytes_) {
    throw StoreError("the file lock.mdb of the store " + path_ +
                     " was cut off while it was in use: it has " + std::to_string(named.st_size) +
                     " bytes, and had " + std::to_string(lock_bytes_));
  }
}

bool LmdbFiles::lock_is_whole() const {
  struct stat here {};
  return lock_ < 0 || ::fstat(lock_, &here) != 0 || here.st_size >= lock_bytes_;
}

// LMDB never makes its file shorter. What is known of its length is read before the file is asked:
// others make it longer meanwhile.
void LmdbFiles::check_length() const {
  const long known = least_bytes_.load(std::memory_order_acquire);
  struct stat here {};
  if (::fstat(data_, &here) == 0) check_is_length(known, here.st_size);
}

void LmdbFiles::check_is_length(long known, long is) const {
  if (is < known) {
    throw StoreError("the file of the store " + path_ +
                     " was cut off while it was in use: it has " + std::to_string(is) +
                     " bytes, and had " + std::to_string(known));
  }
  note_bytes(static_cast<std::size_t>(is));
}

void LmdbFiles::note_bytes(std::size_t bytes) const {
  const long is = static_cast<long>(bytes);
  long known = least_bytes_.load(std::memory_order_acquire);
  while (known < is && !least_bytes_.compare_exchange_weak(known, is, std::memory_order_release)) {
  }
}

NewFolders::NewFolders(const std::string& path) {
  std::error_code error;
  auto folder = std::filesystem::absolute(path).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  for (; !std::filesystem::exists(folder, error) && folder != folder.parent_path();
       folder = folder.parent_path()) {
    made_.push_back(folder);
  }
  std::filesystem::create_directories(path, error);
  if (!error) return;
  remove();
  throw StoreError("cannot create the store " + path + ": " + error.message());
}

// Where somebody has put something there, it stays.
void NewFolders::remove() const {
  std::error_code ignored;
  for (const auto& folder : made_) std::filesystem::remove(folder, ignored);
}

}  // namespace pena::store
