// The files of an LMDB environment, below LMDB: what they are before they are opened, and whether they
// still are while they are in use.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pena::store {

// An open file's number is given to no other, a deleted one's may be.
using FileKey = std::pair<dev_t, ino_t>;
[[nodiscard]] std::optional<FileKey> key_of(const std::string& file);

[[nodiscard]] std::string data_file_of(const std::string& folder);
[[nodiscard]] std::string lock_file_of(const std::string& folder);

// Throws StoreError: LMDB's locks and its mapped file need one machine's page cache.
void refuse_network_file_system(const std::string& folder);
// Throws StoreError where something of that name is no file: to open it could wait for ever.
void refuse_what_is_no_file(const std::string& path);

// LMDB writes into its lock file through a map: where the disk has no room for a page of it, that ends
// the process by a signal. So it is made with room. Its size says how many readers it has, and stays as
// it is. What the disk says where it is full, or 0.
[[nodiscard]] int have_lock_file(const std::string& folder, unsigned readers);

// Throw StoreError.
void sync_folder(const std::string& path);
void sync_file(const std::string& path);
// A new file survives a power cut only when its folder is on the disk, too, and that one's folder.
void sync_folders_up_from(const std::string& folder);

// Whether the disk of a folder has no room left.
[[nodiscard]] bool is_full(const std::string& folder);

// The files of an environment that is open.
class LmdbFiles {
 public:
  // `path`: as errors name the store. `folder`: good wherever the process changes its working directory
  // to.
  LmdbFiles(std::string path, std::string folder);

  // As soon as LMDB has opened them. `data`: its descriptor. Neither a started program nor a forked child
  // keeps them: LMDB opens `data.mdb` twice, and looks after one of its files only.
  void opened(int data);
  // Where the data is mapped, as far as that is known.
  struct Map {
    std::uintptr_t begin = 0;
    std::size_t bytes = 0;
  };
  [[nodiscard]] Map map() const;

  // Throws where the data is shorter than it was, for what is read behind its end would end the process
  // by a signal; check() also where it is no more the one of its name, for what is written would go
  // nowhere. One system call each. Now and then check() looks at the lock file as well: who makes one
  // anew is not seen, and its snapshot not kept.
  void check_length() const;
  void check() const;
  // Whether LMDB can close what it has without a signal.
  [[nodiscard]] bool lock_is_whole() const;

  // The length of the data as of the last check, or as of what was written behind its end since.
  [[nodiscard]] std::size_t bytes() const {
    return static_cast<std::size_t>(least_bytes_.load(std::memory_order_acquire));
  }
  void note_bytes(std::size_t bytes) const;

 private:
  void check_is_length(long known, long is) const;
  void check_lock() const;

  std::string path_;
  std::string folder_;
  int data_ = -1;
  int lock_ = -1;  // LMDB's descriptor; -1 where it has none
  FileKey data_key_;
  std::optional<FileKey> lock_key_;
  long lock_bytes_ = 0;
  mutable std::atomic<long> least_bytes_ = 0;  // of the data, which never becomes shorter
  mutable std::atomic<std::chrono::steady_clock::rep> lock_looked_at_ = 0;
};

// The folders of a new store. A start that fails takes away what it has made, and nothing else.
class NewFolders {
 public:
  // Makes them. Throws StoreError.
  explicit NewFolders(const std::string& path);
  ~NewFolders() { remove(); }
  NewFolders(const NewFolders&) = delete;
  NewFolders& operator=(const NewFolders&) = delete;
  void keep() { made_.clear(); }

 private:
  void remove() const;

  std::vector<std::filesystem::path> made_;  // the innermost first
};

}  // namespace pena::store
