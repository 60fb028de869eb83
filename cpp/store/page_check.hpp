// Looks at the pages of `data.mdb` before LMDB believes them. LMDB follows each number that it finds
// in its file, so a page that was cut off, zeroed or changed ends the process by a signal. Here
// every number is compared with what it may be, and all is read with pread: no damage is met
// through the map.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/store.hpp"

namespace pena::store {

struct PageProblem {
  std::uint64_t page = 0;
  std::string what;  // a sentence, without the page's number
};

// The pages of a store cannot be believed. what() names the first problem and says what to do.
class DamagedStore : public StoreError {
 public:
  DamagedStore(const std::string& path, std::vector<PageProblem> found);
  std::vector<PageProblem> problems;
};

// One file, opened for reading. Any thread may use its own.
class PageCheck {
 public:
  // `file`: the path of `data.mdb`. Throws StoreError where it cannot be read.
  explicit PageCheck(const std::string& file);
  ~PageCheck();
  PageCheck(const PageCheck&) = delete;
  PageCheck& operator=(const PageCheck&) = delete;

  // The two meta pages. Where there is one of them no meta page may be believed. A file that is no
  // store at all throws StoreError instead. Costs two reads.
  [[nodiscard]] std::vector<PageProblem> metas() const;

  // All pages of the snapshot that transaction `txn` made, and its list of free pages; a reader
  // has to keep that snapshot meanwhile. Nothing where its meta page is gone: then the reader came
  // too late, and tries a newer one. At most so many pages are looked at: where that is not all of
  // them, what needs all of them, such as counts, is not looked at. But a file that is shorter
  // than its meta page says is looked at whole.
  [[nodiscard]] std::optional<std::vector<PageProblem>> pages(std::uint64_t txn,
                                                              std::uint64_t most_pages) const;

 private:
  int file_ = -1;
  std::string path_;
};

}  // namespace pena::store
