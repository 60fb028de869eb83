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
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "store/index.hpp"
#include "turn/latest.hpp"

namespace pena::turn {

// Change sets that the index does not have, the oldest first.
using Layers = std::span<const store::ChangeSet* const>;

// The store's queues and its bucket `later`, seen through the layers as they are now. One of them may grow
// while this is asked: of what came since, nothing is seen. Index and layers outlive it.
class QueueThrough {
 public:
  // `behind`: where nothing else is asked than queue() of that queue behind that id; most of what the layers have
  // is of msgs before it, and is passed over.
  struct Behind {
    core::QueueNumber queue;
    std::optional<core::Xid> id;
  };
  QueueThrough(const store::Index& index, Layers layers,
               const std::optional<Behind>& behind = std::nullopt);

  // As store::Index::queue and ::queued.
  [[nodiscard]] store::Page<core::QueuedMsg> queue(core::QueueNumber queue,
                                                   std::optional<core::Xid> after,
                                                   std::size_t limit, std::size_t bytes) const;
  [[nodiscard]] std::vector<core::QueuedMsg> queued(core::QueueNumber queue,
                                                    std::span<const core::Xid> ids,
                                                    std::size_t bytes) const;
  // The first msgs of `later`, of those that are due by then; and when the one behind them is due, if there
  // is one.
  struct Due {
    std::vector<core::QueuedMsg> msgs;
    std::optional<core::Instant> next_due;
  };
  [[nodiscard]] Due due(core::Instant up_to, std::size_t limit, std::size_t bytes) const;
  // Msgs of `later` behind that place (none: from the start), as store::Index::later, but of so many
  // QueuedMsg::memory_bytes().
  [[nodiscard]] store::Page<core::QueuedMsg> later(
      const std::optional<std::pair<core::Instant, core::Xid>>& after, std::size_t limit,
      std::size_t bytes) const;

 private:
  // What the layers' last word on an id is: the msg that this write puts, or that it is out of there. By
  // number, for writes move while their change set grows.
  struct Change {
    const store::ChangeSet* layer = nullptr;
    std::size_t write = 0;
    [[nodiscard]] const core::QueuedMsg* put() const;
  };
  using Place = std::pair<core::QueueNumber, core::Xid>;
  using LaterPlace = std::pair<core::Instant, core::Xid>;
  // Shows the msgs behind that place in the order of (due date, id), until `add` says false. `most`: so many
  // are read at first, for as a rule few are wanted.
  template <class Add>
  void walk_later(std::optional<LaterPlace> after, std::size_t most, std::size_t bytes,
                  Add add) const;

  const store::Index& index_;
  std::optional<Behind> behind_;
  Latest<Place, Change> changes_;
  Latest<LaterPlace, Change> later_changes_;
};

// Single msgs that wait, by id, likewise.
class WaitingThrough {
 public:
  WaitingThrough(const store::Index& index, Layers layers);
  // None where it does not wait.
  [[nodiscard]] std::optional<core::WaitingMsg> waiting(const core::Xid& id) const;

 private:
  const store::Index& index_;
  // The layers' last word on an id: null where it is out of there.
  std::unordered_map<core::Xid, const core::Write*> last_;
};

}  // namespace pena::turn
