// One page of GET /report or GET /fail, read and written out slice by slice: in memory is one slice of
// it, however large its records are. Each slice is a read of its own, so what is added meanwhile behind
// the last one is in the page, too. One user at a time.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "store/view.hpp"
#include "wire/json.hpp"
#include "wire/query.hpp"

namespace pena::turn {

class PageText {
 public:
  static constexpr std::size_t kSlice = 128UL * 1024;  // bytes, as they are stored

  // `buckets` outlives it. The page ends with the record that takes it to `most_bytes`.
  PageText(const store::View& buckets, store::Bucket bucket, const wire::PageQuery& query,
           std::size_t most_bytes, std::size_t slice = kSlice);

  // Appends the next slice. For a thread that may wait for the disk. Errors: StoreError.
  void append_next(std::string& out);
  // That was the last one.
  [[nodiscard]] bool done() const { return done_; }

 private:
  template <class Record>
  void append(std::string& out, const store::Page<Record>& page);

  const store::View& buckets_;
  store::Bucket bucket_;
  wire::PageQuery query_;  // what is still to be read
  std::size_t bytes_left_;
  std::size_t slice_;
  wire::PageJson json_;
  bool done_ = false;
};

}  // namespace pena::turn
