// Looks at the pages of `data.mdb` before LMDB believes them. LMDB follows each number that it finds
// in its file, so a page that was cut off, zeroed or changed ends the process by a signal. Here
// every number is compared with what it may be, and all is read with pread: no damage is met
// through the map.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "store/error.hpp"

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

// How far a walk over the pages has got. It reads so many pages of one snapshot at a time: one that is
// held for long keeps a server beside it from using pages again. Where the store was written to
// meanwhile, it goes on in a newer snapshot behind the last key.
struct WalkPlace {
  std::uint64_t left = ~std::uint64_t{0};  // pages that may still be read
  std::uint64_t pages_at_once = 16'384;
  bool over = false;

  bool began = false;
  std::vector<std::string> done = {};  // buckets
  std::string bucket = {};             // the one that it is in, behind this key; empty: in none
  std::string key = {};
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

  // The pages of the snapshot that transaction `txn` made, and its list of free pages; a reader has to
  // keep that snapshot meanwhile. From time to time `still_there` is asked, which may let go of it:
  // false where it is gone for good. Then the walk ends early, and the next call goes on at `place`
  // until that is over. Nothing where the snapshot's meta page is gone: then the reader came too
  // late, and tries a newer one. What needs all pages of one snapshot, such as counts, is looked at
  // only where it was there all the time. But a file that is shorter than its meta page says is
  // looked at whole, whatever `left` says.
  [[nodiscard]] std::optional<std::vector<PageProblem>> pages(
      std::uint64_t txn, WalkPlace& place, const std::function<bool()>& still_there) const;

 private:
  int file_ = -1;
  std::string path_;
};

}  // namespace pena::store
