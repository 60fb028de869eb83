// One page of a bucket, such as GET /report asks for, read and written out slice by slice: in memory is
// one slice of it, however large its records are. Each slice is a read of its own, so what is added
// meanwhile behind the last one is in the page, too. One user at a time.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "store/view.hpp"
#include "turn/stored_names.hpp"
#include "wire/page_json.hpp"
#include "wire/query.hpp"

namespace pena::turn {

class PageText {
 public:
  static constexpr std::size_t kSlice = 128UL * 1024;  // bytes, as they are stored

  // `buckets` outlives it; `bucket` is any but `batch`. The page ends with the record that takes it to `most_bytes`. Of one queue
  // alone it may have fewer records than there are, for it ends, too, when so many were passed over.
  PageText(const store::View& buckets, store::Bucket bucket, const wire::PageQuery& query,
           std::size_t most_bytes, std::size_t slice = kSlice);

  // Appends the next slice, of one byte at least. For a thread that may wait for the disk. Errors:
  // StoreError.
  void append_next(std::string& out);
  // That was the last one.
  [[nodiscard]] bool done() const { return done_; }

 private:
  void append_no_queue(std::string& out);
  void append_slice(std::string& out);
  void append_reports(std::string& out);
  void append_fails(std::string& out);
  void append_queue(std::string& out);
  void append_later(std::string& out);
  [[nodiscard]] store::Page<core::Xid> ids() const;
  [[nodiscard]] store::Most most() const;
  [[nodiscard]] store::Page<core::QueuedMsg> waiting();
  [[nodiscard]] store::Page<core::QueuedMsg> default_queue() const;

  template <class Record>
  void append(std::string& out, const store::Page<Record>& page);
  [[nodiscard]] bool is_full() const {
    return bytes_left_ == 0 || query_.limit == 0 || reads_left_ == 0;
  }
  void note_first(std::uint64_t first);
  void end(std::string& out, bool more);

  [[nodiscard]] bool is_wanted(core::QueueNumber number) const;
  [[nodiscard]] bool is_wanted(const core::Xid& /*id*/) const { return true; }
  [[nodiscard]] bool is_wanted(const core::ReportRecord& record) const;
  [[nodiscard]] bool is_wanted(const core::FailRecord& record) const;
  [[nodiscard]] bool is_wanted(const core::QueuedMsg& msg) const;

  void add(std::string& out, const core::Xid& id);
  void add(std::string& out, const core::ReportRecord& record);
  void add(std::string& out, const core::FailRecord& record);
  void add(std::string& out, const core::QueuedMsg& msg);

  void go_behind(const core::Xid& id) { query_.after = id; }
  void go_behind(const core::ReportRecord& record);
  void go_behind(const core::FailRecord& record);
  void go_behind(const core::QueuedMsg& msg);

  const store::View& buckets_;
  store::Bucket bucket_;
  wire::PageQuery query_;  // what is still to be read
  std::size_t bytes_left_;
  std::size_t slice_;
  std::size_t reads_left_;
  StoredNames names_;
  std::optional<core::QueueNumber> queue_;  // the one that is asked for
  // In the order of settling: as that of a Page, of the first slice, or of a later one that something was gone
  // before.
  std::optional<std::uint64_t> first_;
  wire::PageJson json_;
  bool done_ = false;
};

}  // namespace pena::turn
