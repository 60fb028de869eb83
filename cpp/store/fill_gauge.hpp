// How full a store is: its map, and the disk below it.
#pragma once

#include <cstddef>

#include "store/lmdb_env.hpp"

namespace pena::store {

// For the thread that commits.
class FillGauge {
 public:
  // There was a commit of records of so many bytes: what is known of the free pages is no longer
  // exact.
  void committed(std::size_t bytes) {
    ++commits_;
    written_bytes_ += bytes;
  }
  // 0 … 1: the share of the map that is in use, or 1 where the disk is at its end. Costs two system
  // calls, and now and then a scan of the list of free pages.
  [[nodiscard]] double read(const LmdbEnv& env);

 private:
  void scan(const LmdbEnv& env);

  std::size_t commits_ = 1;        // since the last scan
  std::size_t written_bytes_ = 0;  // since the last scan
  std::size_t asked_at_ = 0;
  std::size_t scan_after_ = 1;  // commits
  std::size_t free_pages_ = 0;
};

}  // namespace pena::store
