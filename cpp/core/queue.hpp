// The msgs that wait, and which of them travel together.
//
// Three lanes, taken in this order: resends (missed, and their client lives), suspects (their last
// batch was lost whole, so one of them may have killed the client), fresh msgs. Within a lane the
// oldest id goes first; of the suspects, those with the fewest attempts left. Suspects are
// isolated: pieces of one lost batch do not travel together (core/suspects.hpp), and while fresh
// msgs can fill the rest at most half of a batch is suspects.
//
// Memory holds all resends and suspects, but of the fresh msgs a window only: those with the lowest
// ids. The rest waits in the store and comes in by refills, so a backlog costs no memory.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "core/effect.hpp"
#include "core/limits.hpp"
#include "core/msg.hpp"
#include "core/suspects.hpp"

namespace pena::core {

// Where the msgs for a batch come from. Valid until the queue changes.
struct BatchPlan {
  std::size_t resends = 0;
  std::vector<Xid> suspects;
  std::size_t fresh = 0;
  bool alone = false;  // a piece that goes without company, to a client that takes short batches
  bool apart = false;  // shorter than it could be, for other suspects may not travel with these

  [[nodiscard]] std::size_t size() const { return resends + suspects.size() + fresh; }
};

class Queue {
 public:
  // `in_store`: the store's queue may hold msgs that this one has not seen.
  Queue(const Limits& limits, bool in_store)
      : window_(limits.window_msgs),
        more_in_store_(in_store),
        suspects_(limits.max_resends + 1, limits.fewest_pieces) {}

  // A msg begins to wait. It has no record in the store's queue yet.
  void add(QueuedMsg&& msg, std::vector<Write>& writes);
  // Msgs without a miss, in any order: one sort and one pass for all of them.
  void add_fresh(std::vector<QueuedMsg>&& msgs, std::vector<Write>& writes);
  // Records that the store's queue has already; those that are here too are passed over.
  void refill(std::vector<QueuedMsg>&& msgs, bool more);
  [[nodiscard]] std::optional<WantedRefill> wanted_refill() const;

  // The best batch of at most `size` msgs that can be had now. `fresh_will_come`: a generator makes
  // up what is missing, so suspects do not fill up the room of fresh msgs.
  [[nodiscard]] BatchPlan plan(std::size_t size, bool takes_short, bool fresh_will_come) const;
  // Takes what the plan names, in the order of its lanes, and drops the records that it had.
  [[nodiscard]] std::vector<QueuedMsg> take(const BatchPlan& plan, std::vector<Write>& writes);

  // Writes the records of what was added since the last call and still waits. What was added and
  // taken in one step never has one.
  void write_added(std::vector<Write>& writes);

  [[nodiscard]] bool contains(const Xid& id) const;
  [[nodiscard]] bool empty() const { return fresh_.empty() && missed_.empty() && !more_in_store_; }
  // Msgs wait in the store that memory has not seen.
  [[nodiscard]] bool more_in_store() const { return more_in_store_; }

 private:
  struct Waiting {
    QueuedMsg msg;
    bool stored = false;  // has a record in the store's queue
  };
  using Fresh = std::deque<Waiting>;  // sorted by id: generated ids ascend, so adding is an append

  void keep_to_window(std::vector<Write>& writes);
  void add_missed(Waiting&& waiting);
  void note_unstored(const Xid& id);
  [[nodiscard]] Fresh::const_iterator find_fresh(const Xid& id) const;
  [[nodiscard]] Waiting* find(const Xid& id);
  QueuedMsg take_missed(const Xid& id, std::vector<Write>& writes);

  std::size_t window_;
  bool more_in_store_;
  std::optional<Xid> seen_up_to_;  // the highest id that a refill or the window has covered
  Fresh fresh_;
  std::map<Xid, Waiting> missed_;  // resends and suspects
  std::set<Xid> resends_;          // ids in missed_
  Suspects suspects_;              // of those in missed_
  std::vector<Xid> added_;         // since the last write_added, without a record
  std::size_t unstored_ = 0;       // how many that are here have no record in the store's queue
};

}  // namespace pena::core
