// What a change set does to msgs and keys, by their ids: where it puts them, and where it takes them out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "core/msg.hpp"
#include "store/log.hpp"
#include "store/records.hpp"

namespace pena::turn {

// In which of queue, later, report and fail a msg is. While it moves it may be in two.
class Buckets {
 public:
  void add(store::Bucket bucket) { bits_ |= bit(bucket); }
  void remove(store::Bucket bucket) { bits_ &= ~bit(bucket); }
  void add(Buckets others) { bits_ |= others.bits_; }
  void remove(Buckets others) { bits_ &= ~others.bits_; }
  [[nodiscard]] bool empty() const { return bits_ == 0; }

 private:
  [[nodiscard]] static constexpr unsigned bit(store::Bucket bucket) {
    return 1U << static_cast<unsigned>(bucket);
  }
  unsigned bits_ = 0;
};

// Of a change set that still grows, too: what came since the last look is added.
class ChangedIds {
 public:
  struct Change {
    Buckets put, dropped;   // in the end
    std::size_t write = 0;  // by number the last one that put it; writes move while there are more
  };

  void note(const store::ChangeSet& changes);
  // Null where it does nothing to that msg, or but gives it to a client.
  [[nodiscard]] const Change* find(const core::Xid& id) const;
  // The msg that it gives that key to, or none where it takes the key away. Null where it does neither.
  [[nodiscard]] const std::optional<core::Xid>* find_key(core::QueueNumber queue,
                                                         const std::string& key) const;

 private:
  void put(const core::Xid& id, store::Bucket bucket);
  void drop(const core::Xid& id, store::Bucket bucket);

  std::unordered_map<core::Xid, Change> ids_;
  std::map<std::pair<core::QueueNumber, std::string>, std::optional<core::Xid>> keys_;
  std::size_t noted_ = 0;  // how many of the writes are
};

}  // namespace pena::turn
