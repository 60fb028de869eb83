// Looks at the pages of a large store that were not looked at when it was opened, a few at a time.
#pragma once

#include <memory>
#include <string>

#include "store/lmdb_env.hpp"
#include "store/page_check.hpp"

namespace pena::store {

// One thread at a time.
class PageLook {
 public:
  // Of a store that this process has open. Throws StoreError.
  explicit PageLook(const std::string& path);
  // Looks at a few thousand pages, in one read transaction. False where there are no more. Throws
  // DamagedStore.
  [[nodiscard]] bool next();

 private:
  std::shared_ptr<LmdbEnv> env_;
  PageCheck check_;  // of one file, whatever becomes of its name
  WalkPlace place_;
};

}  // namespace pena::store
