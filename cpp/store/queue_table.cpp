// How a change set comes into the bucket. LMDB is slow at a put and fast at an append, and a record that
// is written again costs as much as all its msgs; so
//
//   behind all    a msg above every id of the bucket goes into the buffer, which is appended when it is
//                 full: what the generator makes and what is accepted, as a rule.
//   among         others wait for flush(). Sorted, they fall into records in runs: each record is taken
//                 out once, merged with its run, and put back in parts.
//   dropped       ids wait for flush() as well, sorted: each record is read once, and written again with
//                 what is left, if anything is.
//
// While it goes on, no id of the bucket, the buffer or the waiting puts is above `last_`. A drop may only
// be met by what was put before it. As flush() puts before it drops, that holds for every order but that
// of a drop and a later put of one id: then flush() goes first.
//
// A corrupt record is met by whoever touches it, put() included, and nothing of the change set is there
// then: the transaction ends without a commit.
#include "store/queue_table.hpp"

#include "store/error.hpp"

namespace pena::store {
namespace {

using core::Xid;

// The longest value of which LMDB keeps two in a page of 4 KiB, and none on pages of their own: half
// of what the page's header leaves, less the record's own header, the longer of the two keys, and its
// place in the page's index.
constexpr std::size_t kMostBytes =
    (4096 - 16) / 2 - 2 - 8 - sizeof(core::QueueNumber) - Xid::kBytes;

const Xid& xid_of(const core::QueuedMsg& queued) {
  return queued.msg.id;
}

}  // namespace

void each_queued(Cursor& cursor, const std::optional<Xid>& after,
                 const std::function<bool(const Xid& key, std::string_view value)>& read) {
  bool there = after && cursor.to_last_up_to(*after);
  if (!there) there = cursor.first();
  while (there && read(cursor.id(), cursor.value())) there = cursor.next();
}

std::vector<core::QueuedMsg> read_queued(Cursor& cursor, const std::vector<Xid>& ids,
                                         std::size_t bytes) {
  std::vector<core::QueuedMsg> read;
  QueuedMsgs msgs(cursor);
  for (const Xid& id : ids) {
    if (bytes == 0) break;
    const core::QueuedMsg* const msg = msgs.find(id);
    if (msg == nullptr) {
      throw StoreError("a bug: " + id.text() +
                       " is to be read from the bucket queue, but is not in it");
    }
    bytes -= std::min(bytes, msg->memory_bytes());
    read.push_back(*msg);
  }
  return read;
}

const core::QueuedMsg* QueuedMsgs::find(const Xid& id) {
  const bool within =
      !record_.empty() && xid_of(record_.front()) <= id && id <= xid_of(record_.back());
  if (!within) {
    record_.clear();
    if (cursor_.to_last_up_to(id)) decode_queued(cursor_.id(), cursor_.value(), record_);
  }
  const auto at = std::ranges::lower_bound(record_, id, {}, xid_of);
  return at == record_.end() || xid_of(*at) != id ? nullptr : &*at;
}

bool QueuedIds::contains(const Xid& id) {
  const bool around =
      read_ && (slices_.empty() || id >= slices_.front().id) && (!upper_ || id < *upper_);
  if (!around) read_around(id);
  return std::ranges::binary_search(slices_, id, {}, &QueuedSlice::id);
}

void QueuedIds::read_around(const Xid& id) {
  slices_.clear();
  bool behind = false;
  if (cursor_.to_last_up_to(id)) {
    slice_queued(cursor_.id(), cursor_.value(), slices_);
    behind = cursor_.next();
  } else {
    behind = cursor_.first();
  }
  upper_ = behind ? std::optional{cursor_.id()} : std::nullopt;
  read_ = true;
}

void append_queued_ids(const Xid& key, std::string_view value, std::vector<Xid>& out) {
  std::vector<QueuedSlice> slices;
  slice_queued(key, value, slices);
  for (const QueuedSlice& slice : slices) out.push_back(slice.id);
}

void QueueWriter::put(const core::QueuedMsg& msg) {
  const Xid& id = msg.msg.id;
  // The order counts where one msg is dropped and put.
  const bool maybe_dropped = !dropped_.empty() && id <= dropped_.back();
  if (maybe_dropped && std::ranges::binary_search(dropped_, id)) flush();
  if (!last_known_) look_for_last();
  if (last_ && id <= *last_) {
    among_.push_back(&msg);
    return;
  }
  add(id, Where::behind_all, [&](std::string& value) { append(msg, value); });
  last_ = id;
}

void QueueWriter::drop(const Xid& id) {
  // Sorted, so that no record is written twice. As a rule they come in order.
  const bool in_order = dropped_.empty() || dropped_.back() <= id;
  dropped_.insert(in_order ? dropped_.end() : std::ranges::upper_bound(dropped_, id), id);
}

void QueueWriter::flush() {
  put_buffer(Where::behind_all);
  if (!among_.empty()) put_among();
  if (!dropped_.empty()) drop_all();
}

template <class Append>
void QueueWriter::add(const Xid& id, Where where, Append append_to) {
  const std::size_t before = buffer_.size();
  append_to(buffer_);
  if (before > 0 && buffer_.size() > kMostBytes) {
    buffer_.resize(before);
    put_buffer(where);
    append_to(buffer_);
    first_ = id;
  } else if (before == 0) {
    first_ = id;
  }
}

void QueueWriter::put_buffer(Where where) {
  if (buffer_.empty()) return;
  seal(buffer_);
  bytes_ += buffer_.size();
  cursor_.put(first_, buffer_, where == Where::behind_all);
  buffer_.clear();
}

// Msgs that come back, or whose ids somebody else made: each record that some of them fall into is
// taken apart, and makes new records with them.
void QueueWriter::put_among() {
  const auto id_of = [](const core::QueuedMsg* msg) -> const Xid& {
    return msg->msg.id;
  };
  std::ranges::sort(among_, {}, id_of);
  auto next = among_.cbegin();
  while (next != among_.cend()) {
    const std::optional<Xid> upper = slice_around(id_of(*next));
    const Xid first = slices_.empty() ? id_of(*next) : std::min(id_of(*next), slices_.front().id);
    merged_.clear();
    auto old = slices_.cbegin();
    for (; next != among_.cend() && (!upper || id_of(*next) < *upper); ++next) {
      const Xid& id = id_of(*next);
      for (; old != slices_.cend() && old->id < id; ++old) append_slice(old->bytes, merged_);
      const bool twice = next != among_.cbegin() && id_of(*(next - 1)) == id;
      if (twice || (old != slices_.cend() && old->id == id)) refuse_put(Bucket::queue, id);
      append(**next, merged_);
    }
    for (; old != slices_.cend(); ++old) append_slice(old->bytes, merged_);
    seal(merged_);
    put_in_parts(first, merged_);
  }
  among_.clear();
}

// Drops the record that `id` falls into from the bucket, and leaves its msgs in `slices_`; none
// where it falls between two. Returns the key of the next record.
std::optional<Xid> QueueWriter::slice_around(const Xid& id) {
  slices_.clear();
  std::optional<Xid> upper;
  bool there = false;
  if (cursor_.to_first_behind(id)) {
    upper = cursor_.id();
    there = cursor_.previous();
  } else {
    there = cursor_.last();
  }
  if (there) {
    old_ = cursor_.value();
    slice_queued(cursor_.id(), renewed_queued(cursor_.id(), old_, old_), slices_);
    if (slices_.back().id < id) {
      slices_.clear();
    } else {
      cursor_.drop();
    }
  }
  return upper;
}

// Even parts: one full record and one of a single msg would have to be parted again at the next msg
// that falls there.
void QueueWriter::put_in_parts(const Xid& key, std::string_view value) {
  const std::size_t even = value.size() / (value.size() / (kMostBytes + 1) + 1);
  slices_.clear();
  slice_queued(key, value, slices_);
  for (const QueuedSlice& slice : slices_) {
    add(slice.id, Where::among, [&](std::string& part) { append_slice(slice.bytes, part); });
    if (buffer_.size() >= even) put_buffer(Where::among);
  }
  put_buffer(Where::among);
}

void QueueWriter::drop_all() {
  auto next = dropped_.cbegin();
  while (next != dropped_.cend()) {
    if (!cursor_.to_last_up_to(*next)) refuse_drop(Bucket::queue, *next);
    slices_.clear();
    const Xid first = cursor_.id();
    slice_queued(first, renewed_queued(first, cursor_.value(), old_), slices_);
    const auto begun_at = next;
    auto left = slices_.begin();
    for (const QueuedSlice& slice : slices_) {
      if (next != dropped_.cend() && slice.id == *next) {
        ++next;
      } else {
        *left++ = slice;
      }
    }
    if (next == begun_at) refuse_drop(Bucket::queue, *next);
    rewrite({slices_.begin(), left});
  }
  dropped_.clear();
}

void QueueWriter::rewrite(std::span<const QueuedSlice> left) {
  if (left.empty()) return cursor_.drop();
  const Xid first = left.front().id;
  merged_.clear();
  for (const QueuedSlice& slice : left) append_slice(slice.bytes, merged_);
  if (first != cursor_.id()) cursor_.drop();
  if (merged_.size() > kMostBytes) {  // in a newer version it may be longer than it was
    seal(merged_);
    return put_in_parts(first, merged_);
  }
  first_ = first;
  buffer_.swap(merged_);
  put_buffer(Where::among);
}

void QueueWriter::look_for_last() {
  last_known_ = true;
  if (!cursor_.last()) return;
  slices_.clear();
  slice_queued(cursor_.id(), cursor_.value(), slices_);
  last_ = slices_.back().id;
}

}  // namespace pena::store
