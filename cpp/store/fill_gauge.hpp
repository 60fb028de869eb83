// How full a store is: its map, and the disk below it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>

#include "core/room.hpp"
#include "store/change_set.hpp"
#include "store/lmdb_env.hpp"

namespace pena::store {

// For the thread that asks; another may commit, and neither waits for what the other does with the store.
class FillGauge {
 public:
  // `limit_bytes`: how large the store may be before nothing new is taken. LMDB's map is larger: what
  // was taken may still need room. `least_disk_bytes`: where its disk has less left, it is low.
  FillGauge(std::size_t limit_bytes, std::size_t least_disk_bytes)
      : limit_bytes_(limit_bytes), least_disk_bytes_(least_disk_bytes) {}

  // There was a commit: what is known of the free pages is no longer exact. Where reports were forgotten,
  // whoever asks next wants to know what room they made. Any thread.
  void committed(const Written& written);
  // Looks at the disk. 0 … 1 and beyond: the share of the limit that is in use. Costs a system call, and
  // now and then a scan of the list of free pages.
  [[nodiscard]] double read(const LmdbEnv& env);
  // As of the last read.
  [[nodiscard]] bool disk_is_low() const { return disk_bytes_ < least_disk_bytes_; }
  // Pages that commits may take for sure, less what each takes for itself: as of the last read and the
  // last scan, less what was written since at most.
  [[nodiscard]] core::Room room(const LmdbEnv& env);
  // That readers hold, as of the last scan.
  [[nodiscard]] std::size_t held_bytes() const { return held_bytes_; }
  // `runs`: also for pages side by side.
  void scan(const LmdbEnv& env, bool runs);

 private:
  // Of commits that the asking thread has not seen yet.
  struct Since {
    std::size_t commits = 0;
    Written written;
  };
  void take_up();
  [[nodiscard]] std::uint64_t end_pages(const LmdbEnv& env, const LmdbEnv::Pages& pages) const;
  [[nodiscard]] std::size_t taken_since_scan(std::size_t page_bytes) const;

  std::size_t limit_bytes_;
  std::size_t least_disk_bytes_;
  std::size_t commits_ = 1;          // since the last scan
  std::size_t written_bytes_ = 0;    // since the last scan
  std::size_t written_records_ = 0;  // since the last scan
  std::size_t asked_at_ = 0;
  std::size_t scan_after_ = 1;  // commits
  std::size_t free_pages_ = 0;
  std::size_t ready_pages_ = 0;
  std::size_t longest_run_ = 0;  // of them
  std::size_t held_bytes_ = 0;
  std::uint64_t disk_bytes_ = 0;  // free, as of the last read
  std::mutex mutex_;              // of what follows; under it nothing else is locked
  Since since_;
};

}  // namespace pena::store
