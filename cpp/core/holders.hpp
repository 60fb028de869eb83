// Which batch holds a msg. The table of the hot path: one entry a held msg, and no allocation an entry.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "core/xid.hpp"

namespace pena::core {

// Open addressing with linear probing; a removal closes the gap that it leaves, so there are no
// tombstones. The table grows to what was held at most, 48 to 96 bytes a msg.
class Holders {
 public:
  // False where the msg is held already.
  bool insert(const Xid& msg, const Xid& batch) {
    if ((size_ + 1) * 2 > entries_.size()) grow();
    std::size_t at = home(msg);
    for (; used(at); at = next(at)) {
      if (entries_[at].msg == msg) return false;
    }
    entries_[at] = {msg, batch};
    ++size_;
    return true;
  }

  // The batch; null where nobody holds it. Good until the next insert or erase.
  [[nodiscard]] const Xid* find(const Xid& msg) const {
    if (size_ == 0) return nullptr;
    for (std::size_t at = home(msg); used(at); at = next(at)) {
      if (entries_[at].msg == msg) return &entries_[at].batch;
    }
    return nullptr;
  }

  void erase(const Xid& msg) {
    if (size_ == 0) return;
    std::size_t gap = home(msg);
    for (; used(gap) && entries_[gap].msg != msg; gap = next(gap)) {
    }
    if (!used(gap)) return;
    // Whoever stands behind the gap only because that place was taken moves up.
    for (std::size_t at = next(gap); used(at); at = next(at)) {
      const std::size_t way = distance(home(entries_[at].msg), at);
      if (way < distance(gap, at)) continue;
      entries_[gap] = entries_[at];
      gap = at;
    }
    entries_[gap] = {};
    --size_;
  }

  [[nodiscard]] bool contains(const Xid& msg) const { return find(msg) != nullptr; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct Entry {
    Xid msg;
    Xid batch;  // nil: the place is free. The server makes the ids of batches, and none is nil.
  };

  [[nodiscard]] bool used(std::size_t at) const { return !entries_[at].batch.is_nil(); }
  [[nodiscard]] std::size_t home(const Xid& msg) const {
    return std::hash<Xid>{}(msg) & (entries_.size() - 1);
  }
  [[nodiscard]] std::size_t next(std::size_t at) const { return (at + 1) & (entries_.size() - 1); }
  [[nodiscard]] std::size_t distance(std::size_t from, std::size_t to) const {
    return (to - from) & (entries_.size() - 1);
  }
  void grow() {
    constexpr std::size_t kLeast = 64;
    std::vector<Entry> old(entries_.empty() ? kLeast : entries_.size() * 2);
    old.swap(entries_);
    size_ = 0;
    for (const Entry& entry : old) {
      if (!entry.batch.is_nil()) insert(entry.msg, entry.batch);
    }
  }

  std::vector<Entry> entries_;  // a power of two of them, at most half in use
  std::size_t size_ = 0;
};

}  // namespace pena::core
