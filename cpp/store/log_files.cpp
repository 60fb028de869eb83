#include "store/log_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include "process/fork.hpp"
#include "store/error.hpp"
#include "store/lmdb_files.hpp"

namespace pena::store {
namespace {

[[noreturn]] void throw_errno(const std::string& doing, const std::string& path) {
  throw StoreError("cannot " + doing + " " + path + ": " + std::strerror(errno));
}

// A descriptor that no started program and no forked child keeps.
class LogFile {
 public:
  LogFile(const std::string& path, int flags) : path_(path) {
    const process::ForkWaits waits;
    file_ = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
    if (file_ >= 0) process::close_in_forked_children(file_, waits);
  }
  ~LogFile() {
    if (file_ >= 0) ::close(file_);
  }
  LogFile(LogFile&& other) noexcept
      : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)) {}
  LogFile& operator=(LogFile&&) = delete;

  [[nodiscard]] bool is_open() const { return file_ >= 0; }
  [[nodiscard]] std::size_t bytes() const { return static_cast<std::size_t>(about().st_size); }
  // What is written into a file that has no name any more is lost with the process.
  void check_has_name() const {
    if (about().st_nlink > 0) return;
    throw StoreError("the file " + path_ + " was deleted while the store was in use");
  }
  void write(std::string_view bytes, std::size_t at) const {
    while (!bytes.empty()) {
      const ssize_t written = ::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(at));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) throw_errno("write to", path_);
      bytes.remove_prefix(static_cast<std::size_t>(written));
      at += static_cast<std::size_t>(written);
    }
  }
  [[nodiscard]] std::string read(std::size_t most) const {
    std::string bytes(std::min(this->bytes(), most), '\0');
    std::size_t have = 0;
    while (have < bytes.size()) {
      const ssize_t got =
          ::pread(file_, bytes.data() + have, bytes.size() - have, static_cast<off_t>(have));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw_errno("read", path_);
      if (got == 0) break;
      have += static_cast<std::size_t>(got);
    }
    bytes.resize(have);
    return bytes;
  }
  void sync_data() const {
    while (::fdatasync(file_) != 0) {
      if (errno != EINTR) throw_errno("sync", path_);
    }
  }
  void sync() const {
    if (::fsync(file_) != 0) throw_errno("sync", path_);
  }
  void named(std::string path) { path_ = std::move(path); }

 private:
  [[nodiscard]] struct stat about() const {
    struct stat about {};
    if (::fstat(file_, &about) != 0) throw_errno("look at", path_);
    return about;
  }

  std::string path_;
  int file_ = -1;
};

class FilesInFolder final : public LogFiles {
 public:
  explicit FilesInFolder(const std::string& store) : folder_(store + "/log") {}

  void make(std::size_t index, std::size_t bytes) override {
    const std::string path = name(index);
    refuse_what_is_no_file(path);
    if (!std::exchange(begun_, true)) {
      std::error_code error;
      std::filesystem::create_directory(folder_, error);
      // What is there may be of a server that was killed before it had synced that.
      sync_folders_up_from(folder_);
    }
    {
      LogFile there(path, O_RDWR);
      if (there.is_open() && there.bytes() == bytes) return keep(index, std::move(there));
    }
    const std::string aside = path + ".new";
    refuse_what_is_no_file(aside);
    LogFile file(aside, O_RDWR | O_CREAT | O_TRUNC);
    if (!file.is_open()) throw_errno("make", aside);
    const std::string zeros(kZeros, '\0');
    for (std::size_t at = 0; at < bytes; at += kZeros) {
      file.write(std::string_view{zeros}.substr(0, bytes - at), at);
    }
    file.sync();
    if (::rename(aside.c_str(), path.c_str()) != 0) throw_errno("rename", aside);
    sync_folder(folder_);
    file.named(path);
    keep(index, std::move(file));
  }
  void write(std::size_t index, std::size_t at, std::string_view bytes) override {
    const LogFile& one = file(index);
    one.check_has_name();
    one.write(bytes, at);
  }
  void sync(std::size_t index) override { file(index).sync_data(); }
  void remove() override {
    {
      const std::lock_guard lock(mutex_);
      files_.clear();
    }
    std::error_code ignored;
    std::vector<std::filesystem::path> all;
    for (const auto& entry : std::filesystem::directory_iterator(folder_, ignored)) {
      if (entry.path().filename().string().starts_with(kSegment)) all.push_back(entry.path());
    }
    for (const auto& path : all) std::filesystem::remove(path, ignored);
    // Not what somebody else has put there: a link, or a folder with more in it.
    const auto kind = std::filesystem::symlink_status(folder_, ignored).type();
    if (kind == std::filesystem::file_type::directory) std::filesystem::remove(folder_, ignored);
  }
  [[nodiscard]] std::optional<std::string> read(std::size_t index,
                                                std::size_t most) const override {
    const LogFile one(name(index), O_RDONLY);
    if (!one.is_open() && errno == ENOENT) return std::nullopt;
    if (!one.is_open()) throw_errno("open", name(index));
    return one.read(most);
  }
  [[nodiscard]] std::optional<std::size_t> bytes(std::size_t index) const override {
    std::error_code error;
    const auto size = std::filesystem::file_size(name(index), error);
    if (!error) return size;
    if (error != std::errc::no_such_file_or_directory && error != std::errc::not_a_directory) {
      throw StoreError("cannot look at " + name(index) + ": " + error.message());
    }
    return std::nullopt;
  }
  // Of the folder that there is: that of the log, or of the store.
  [[nodiscard]] std::size_t room() const override {
    std::error_code error;
    const std::filesystem::path store = std::filesystem::path{folder_}.parent_path();
    const auto space = std::filesystem::space(store, error);
    return error ? SIZE_MAX : static_cast<std::size_t>(space.available);
  }
  [[nodiscard]] std::string name(std::size_t index) const override {
    return folder_ + "/" + kSegment + std::to_string(index);
  }

 private:
  static constexpr const char* kSegment = "segment.";
  static constexpr std::size_t kZeros = std::size_t{256} << 10U;

  void keep(std::size_t index, LogFile&& file) {
    const std::lock_guard lock(mutex_);
    files_.emplace(index, std::move(file));
  }
  [[nodiscard]] const LogFile& file(std::size_t index) const {
    const std::lock_guard lock(mutex_);
    return files_.at(index);
  }

  std::string folder_;
  bool begun_ = false;
  mutable std::mutex mutex_;  // guards what follows; a file stays where it is
  std::map<std::size_t, LogFile> files_;
};

}  // namespace

std::unique_ptr<LogFiles> log_files_in(const std::string& store) {
  return std::make_unique<FilesInFolder>(store);
}

}  // namespace pena::store
