// Keeps the store's file longer than what LMDB has used of it. A sync that makes a file longer waits for
// what the file system keeps of it, too. So zeros are written behind the end, many commits' worth at
// once; docs/performance.md has what that brings.
#pragma once

#include <cstddef>

#include "store/lmdb_env.hpp"

namespace pena::store {

class FileRoom {
 public:
  // At the beginning of a write transaction, which has checked the file, and before its first put: LMDB
  // writes nothing then, and nobody else has the right to. The zeros become durable with the commit
  // that follows. Where there is no room for them the file stays as it is: LMDB may yet find some
  // within it. Throws StoreError where the disk is broken.
  void keep_ahead(const LmdbEnv& env);

 private:
  std::size_t grown_pages_ = 0;  // as of the last call
};

}  // namespace pena::store
