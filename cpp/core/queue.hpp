// The msgs of one queue that wait, and which of them travel together.
//
// Three lanes, granted in this order: resends (missed, and their client lives), suspects (their
// last batch was lost whole, so one of them may have killed the client), fresh msgs. Within a lane
// the oldest id goes first; of the suspects, those with the fewest attempts left. Suspects are
// isolated: pieces of one lost batch do not travel together (core/suspects.hpp), and while fresh
// msgs can fill the rest at most half of a batch is suspects.
//
// A backlog costs little memory. Of the fresh msgs there is a window only, those with the lowest
// ids; the rest waits in the store and comes in by refills. Of the resends and suspects there are
// the ids; what they are beside, their body, is read from the store when they are to be granted,
// but for those few that were missed a moment ago. A refill brings ids of missed msgs, too; where
// it finds more of those than of fresh ones, the next is for somebody whose batch is not full.
//
//        ids ascend ──▶
//   fresh_    ▓▓▓▓▓▓▓▓▓▓▓▓▓▓                      whole msgs, the window
//   store     ▓▓▓▓▓▓▓▓▓▓▓▓▓▓░░▓░░░░▓░░░░░░░░░     every msg that waits, fresh and missed
//                           ▲ seen_up_to_: what comes above goes to the store alone, until a refill
//                             has got to the end
//
// What always holds, after each call (tests/cpp/core/queue_invariants.hpp checks it by these numbers):
//   1. A msg that waits is in one of fresh_, resends_ and suspects_, or in the store alone; only where
//      no attempt is behind it in fresh_. waiting_ counts all of them. None is in the store alone where
//      more_in_store_ is false.
//   2. fresh_ ascends, and is no larger than the window, but for the bytes of its last msg.
//   3. While the store has more, no id in fresh_ lies above seen_up_to_; and of the store's msgs up to
//      there none is in the store alone. So a page that begins behind it brings no fresh msg twice, and
//      leaves none out.
//   4. A body in bodies_ belongs to a resend or suspect.
//   5. Whoever has no record in the store's queue is here whole, and named in added_. After
//      write_added() everybody has a record, and bodies_ is no larger than a quarter of the window.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "core/batch_plan.hpp"
#include "core/effect.hpp"
#include "core/limits.hpp"
#include "core/msg.hpp"
#include "core/suspects.hpp"

namespace pena::core {

class Queue {
 public:
  // `in_store`: so many msgs, which this one has not seen, have a record in the store's queue.
  Queue(const Limits& limits, QueueNumber number, std::uint64_t in_store)
      : number_(number),
        window_(limits.window_msgs),
        window_bytes_(limits.window_bytes),
        waiting_(in_store),
        more_in_store_(in_store > 0),
        suspects_(limits.max_resends, limits.fewest_pieces) {}

  [[nodiscard]] QueueNumber number() const { return number_; }

  // A msg begins to wait. It has no record in the store's queue yet.
  void add(QueuedMsg&& msg, std::vector<Write>& writes);
  // Several, in any order: one pass for all of them.
  void add_all(std::vector<QueuedMsg>&& msgs, std::vector<Write>& writes);
  // Msgs that were accepted now, in any order: one sort and one pass for all of them.
  void add_fresh(std::vector<Msg>&& msgs, Instant now, std::vector<Write>& writes);
  // Records that the store's queue has already; those that are here too are passed over.
  void refill(std::vector<QueuedMsg>&& msgs, bool more);
  // `hungry`: somebody lacks msgs.
  [[nodiscard]] std::optional<WantedRefill> wanted_refill(bool hungry) const;
  // Leaves the window and the bodies, or these alone, to others. Between write_added() and the next change: all
  // have a record then.
  void forget_window();
  void forget_bodies();

  // Those of the plan that cannot be removed before their bodies are read.
  [[nodiscard]] std::vector<Xid> without_body(const QueuePlan& plan) const;
  // Bodies of msgs that wait here. Those that the next remove() leaves may be forgotten again.
  void bodies_read(std::vector<QueuedMsg>&& msgs);
  // Leaves out of the plan what cannot be removed.
  void leave_out_bodiless(QueuePlan& plan) const;

  // The best batch of at most `size` msgs that can be had now. `fresh_will_come`: a generator makes
  // up what is missing, so suspects do not fill up the room of fresh msgs. `with_suspects` false: others
  // of another queue are in the batch already.
  [[nodiscard]] QueuePlan plan(std::size_t size, bool takes_short, bool fresh_will_come,
                               bool with_suspects = true) const;
  // Shows the msgs of a plan without_body() has nothing of, in the order in which remove() has
  // them, until `look` says false.
  template <class Look>
  void look_at(const QueuePlan& plan, Look look) const {
    auto resend = resends_.begin();
    for (std::size_t i = 0; i < plan.resends; ++i) {
      if (!look(bodies_.at(*resend++).msg)) return;
    }
    for (const Xid& id : plan.suspects) {
      if (!look(bodies_.at(id).msg)) return;
    }
    for (std::size_t i = 0; i < plan.fresh; ++i) {
      if (!look(fresh_[i].msg)) return;
    }
  }
  // Removes what the plan names, in the order of its lanes, and drops the records that it had.
  [[nodiscard]] std::vector<QueuedMsg> remove(const QueuePlan& plan, std::vector<Write>& writes);

  // Msgs that wait here, as they are now, in the order of their ids, are to be forgotten. Between
  // write_added() and the next change: all have a record then.
  void forget(const std::vector<QueuedMsg>& msgs, std::vector<Write>& writes);

  // Writes the records of what was added since the last call and still waits. What was added and
  // removed in one step never has one. Forgets bodies where there are many.
  void write_added(std::vector<Write>& writes);

  // It waits, and its body is in memory. Whoever waits otherwise has a record in the store.
  [[nodiscard]] bool contains(const Xid& id) const;
  // How many wait, here and in the store. After write_added() the store's queue has as many records.
  [[nodiscard]] std::uint64_t size() const { return waiting_; }
  [[nodiscard]] bool empty() const { return waiting_ == 0; }
  [[nodiscard]] InMemory in_memory() const {
    return {fresh_.size() + bodies_.size(), fresh_bytes_ + bodies_bytes_, missed()};
  }
  // Msgs wait in the store that memory has not seen.
  [[nodiscard]] bool more_in_store() const { return more_in_store_; }

 private:
  friend struct QueueInvariants;  // of the tests

  struct Waiting {
    Waiting(QueuedMsg&& msg_given, bool stored_given)
        : msg(std::move(msg_given)), stored(stored_given) {}
    QueuedMsg msg;
    bool stored;  // has a record in the store's queue
  };
  using Fresh = std::deque<Waiting>;  // sorted by id: generated ids ascend, so adding is an append

  void append(QueuedMsg&& msg, std::vector<Write>& writes);
  void merge_from(std::size_t before, std::vector<Write>& writes);
  void keep_to_window(std::vector<Write>& writes);
  void add_missed(QueuedMsg&& msg);
  // False where it waits here already.
  bool note_missed(const QueuedMsg& msg);
  [[nodiscard]] std::size_t missed() const { return resends_.size() + suspects_.size(); }
  [[nodiscard]] bool too_many_bodies() const;
  [[nodiscard]] Fresh::const_iterator find_fresh(const Xid& id) const;
  // `next`: where in the window it may be; where the one behind it is, afterwards.
  [[nodiscard]] Waiting* find(const Xid& id, std::size_t& next);
  QueuedMsg remove_body(const Xid& id, std::vector<Write>& writes);

  QueueNumber number_;
  std::size_t window_;
  std::size_t window_bytes_;
  std::uint64_t waiting_;
  bool more_in_store_;
  bool barren_ = false;            // the last refill found more missed msgs than fresh ones
  std::optional<Xid> seen_up_to_;  // the highest id that a refill or the window has covered
  Fresh fresh_;
  std::size_t fresh_bytes_ = 0;
  std::set<Xid> resends_;
  Suspects suspects_;
  std::unordered_map<Xid, Waiting> bodies_;  // of resends and suspects
  std::size_t bodies_bytes_ = 0;
  // Added since the last write_added(): all that wait here and are not `stored` are among them. The
  // flag is what remove() asks of each msg; this is where write_added() looks instead of all over.
  std::vector<Xid> added_;
};

}  // namespace pena::core
