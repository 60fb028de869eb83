// The batches that are held, and when each is next due: the end of its lease while that runs, then of
// the grace. A lease and its end are one entry, so neither outlives the other.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "core/instant.hpp"
#include "core/msg.hpp"
#include "core/room.hpp"
#include "core/xid.hpp"

namespace pena::core {

// A batch and how far its client is from losing it.
struct Lease {
  enum class State : std::uint8_t {
    running,  // the client is connected and in time
    dropped,  // its stream was lost (or the server was restarted): the grace runs
    expired,  // its time was over: the grace runs
  };
  std::shared_ptr<const Batch> batch;
  State state = State::running;
  Room room;  // kept free in the store for what becomes of its msgs
};

// By batch. A reference is good until its lease is erased.
class Leases {
 public:
  // Of a batch that has none.
  void add(Lease&& lease, Instant ends_at);
  // Null where the batch is settled.
  [[nodiscard]] Lease* find(const Xid& batch);
  [[nodiscard]] const Lease* find(const Xid& batch) const;
  // Of a batch that is held.
  [[nodiscard]] Lease& at(const Xid& batch);
  // From now on it ends then, and no more when it would have.
  void end_at(const Xid& batch, Instant ends_at);
  // Of its batch only this is left.
  void replace(Lease& lease, std::shared_ptr<const Batch> left, const Room& room);
  void erase(const Xid& batch);

  // Of a batch that is held: when its lease or its grace ends.
  [[nodiscard]] Instant end_of(const Xid& batch) const { return entries_.at(batch).end->first; }
  // In no order.
  template <class Call>
  void for_each(Call call) const {
    for (const auto& [id, entry] : entries_) call(entry.lease);
  }
  [[nodiscard]] std::optional<Instant> next_end() const;
  // The one that ended first, or null where none has by `now`. It stays until it is erased or ends
  // later.
  [[nodiscard]] Lease* ended(Instant now);
  // What is kept free for all of them.
  [[nodiscard]] const Room& room() const { return room_; }

 private:
  using Ends = std::set<std::pair<Instant, Xid>>;
  struct Entry {
    Lease lease;
    Ends::const_iterator end;  // its place in ends_
  };

  std::unordered_map<Xid, Entry> entries_;
  Ends ends_;  // of all entries, one each
  Room room_;  // the sum over all entries
};

}  // namespace pena::core
