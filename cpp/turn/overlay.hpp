// What the store will say once the change sets on their way to it are there: its index as of a ticket,
// and what was appended or is about to be since then. Raft calls such a thing the unstable log.
//
// Invariant, and the property that the tests check: an answer through `layers` is the answer of the
// index alone once all of them are applied.
//
// Pure. Costs a look at every write of the layers, so it is asked where there are few or none: as a rule
// the index is up to date.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <unordered_set>
#include <vector>

#include "store/index.hpp"

namespace pena::turn {

// Change sets that the index does not have, the oldest first.
using Layers = std::span<const store::ChangeSet* const>;

// The store's queue, seen through the layers as they are now. One of them may grow while this is asked: of
// what came since, nothing is seen. Index and layers outlive it.
class QueueThrough {
 public:
  QueueThrough(const store::Index& index, Layers layers);

  // As store::Index::queue and ::queued.
  [[nodiscard]] store::Page<core::QueuedMsg> queue(std::optional<core::Xid> after,
                                                   std::size_t limit, std::size_t bytes) const;
  [[nodiscard]] std::vector<core::QueuedMsg> queued(std::span<const core::Xid> ids,
                                                    std::size_t bytes) const;

 private:
  // What the layers' last word on an id is: the msg that this write puts, or that it is out of the
  // queue. By number, for writes move while their change set grows.
  struct Change {
    const store::ChangeSet* layer = nullptr;
    std::size_t write = 0;
    [[nodiscard]] const core::QueuedMsg* put() const;
  };

  const store::Index& index_;
  std::map<core::Xid, Change> changes_;
};

// Erases those of `ids` that a layer puts into the bucket `report`. Returns how many they were.
[[nodiscard]] std::size_t erase_reported(Layers layers, std::vector<core::Xid>& ids);

// The ids that a change set puts somewhere, though it may take them out again. Of one that still grows,
// too: what came since the last look is added.
class PutIds {
 public:
  void note(const store::ChangeSet& changes);
  [[nodiscard]] bool contains(const core::Xid& id) const { return ids_.contains(id); }

 private:
  std::unordered_set<core::Xid> ids_;
  std::size_t noted_ = 0;  // how many of the writes are
};

}  // namespace pena::turn
