// The msgs of lost batches: one of them may have killed its client. They are isolated in pieces
// that shrink.
//
// A lost batch of n msgs with k attempts left is parted into n^(1/k) pieces, though into
// `fewest_pieces` at least, and before the last attempt into ones. So of 10,000 msgs with one that
// kills, 22 pieces of 455 travel first, then the 455 of its piece in 22 pieces of 21, then those 21
// one by one: 65 batches in all. Where all are harmless the first 22 do.
//
// What always holds of those that travel together (tests/cpp/core/suspects_test.cpp):
//   * Msgs that share a lost batch are of one piece: their last loss was the same batch, they have
//     as many attempts left, and they are no more than piece_size(n, k, fewest_pieces), n
//     being how many such msgs waited at once.
//   * A msg at its last attempt is the only suspect in its batch: whoever got so far is likely to
//     be what kills, or has nothing left to lose by it. Measured (tests/cpp/core/isolation_test.cpp),
//     that fails a fifth of the harmless msgs that fail without it where every tenth msg is
//     poisonous, for a third more batches.
#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "core/msg.hpp"

namespace pena::core {

// How many of `lost` msgs of one lost batch travel together, with so many attempts left.
[[nodiscard]] std::size_t piece_size(std::size_t lost, int attempts_left,
                                     std::size_t fewest_pieces);

class Suspects {
 public:
  // `max_resends`: of msgs that do not say it themselves.
  Suspects(int max_resends, std::size_t fewest_pieces)
      : max_resends_(max_resends), fewest_pieces_(fewest_pieces) {}

  // A msg with a loss behind it. False where it is in here already, with the same misses.
  bool add(const QueuedMsg& msg);
  // One that is in here.
  void remove(const QueuedMsg& msg);
  // Whether it is, with these misses.
  [[nodiscard]] bool contains(const QueuedMsg& msg) const;

  // At most `most` that may travel together, pieces of several lost batches: those with the fewest
  // attempts left first, within a lost batch the oldest ids.
  [[nodiscard]] std::vector<Xid> pick(std::size_t most) const;
  // The first piece, without company.
  [[nodiscard]] std::vector<Xid> pick_piece(std::size_t most) const;

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

 private:
  // Of one lost batch, the last that they were in, and as many attempts left, the one that comes next
  // included.
  struct GroupKey {
    int attempts_left = 1;
    Xid batch;
    friend auto operator<=>(const GroupKey&, const GroupKey&) = default;
  };
  [[nodiscard]] GroupKey key_of(const QueuedMsg& msg) const {
    return {msg.attempts_left(max_resends_), msg.last_loss()->batch};
  }
  // The lost batches before the last one.
  using Earlier = std::vector<Xid>;
  // Ids in order, of which the first `gone` are gone: they come and go in order as a rule.
  struct Ids {
    std::vector<Xid> ids;
    std::size_t gone = 0;
    [[nodiscard]] auto begin() const { return ids.begin() + static_cast<std::ptrdiff_t>(gone); }
    [[nodiscard]] auto end() const { return ids.end(); }
    [[nodiscard]] std::size_t size() const { return ids.size() - gone; }
    bool insert(const Xid& id);
    bool erase(const Xid& id);
  };
  struct Group {
    std::map<Earlier, Ids> parts;  // none is empty
    std::size_t waiting = 0;
    std::size_t most = 0;  // that waited at once
  };

  [[nodiscard]] std::vector<Xid> pick(std::size_t most, std::size_t most_groups) const;

  int max_resends_;
  std::size_t fewest_pieces_;
  std::map<GroupKey, Group> groups_;  // none is empty
  std::size_t size_ = 0;
};

}  // namespace pena::core
