// Who is connected, and whose turn it is (R2: the client that has been free longest is served
// next).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "core/xid.hpp"

namespace pena::core {

struct ClientState {
  Xid id;
  std::uint32_t batchsize = 1;
  bool takes_short = false;
  std::optional<Xid> batch;                   // what it holds; none: it is free
  std::uint64_t turn = 0;                     // its place among the free
  std::optional<std::uint64_t> batches_left;  // how many more it may be sent; none: any number

  // With so many msgs it is sent what it wants.
  [[nodiscard]] std::uint32_t least_msgs() const { return takes_short ? 1 : batchsize; }
};

class Clients {
 public:
  // A new client is free, behind all that are.
  void join(const Xid& id, std::uint32_t batchsize, bool takes_short,
            std::optional<std::uint64_t> batches);
  // Nothing where it is not known. The pointer is good until the next join or leave.
  [[nodiscard]] ClientState* find(const Xid& id);
  // The client that has been free longest; null where all are busy.
  [[nodiscard]] const ClientState* first_free() const;
  // The one of them that has been free longest of those for whom `msgs` make a batch, or null.
  [[nodiscard]] const ClientState* first_free_for(std::size_t msgs) const;
  void make_busy(const Xid& id, const Xid& batch);
  // Of a client that may be sent more.
  void make_free(const Xid& id);
  // It is sent no batch behind the one that it holds.
  void send_no_more(const Xid& id) { clients_.at(id).batches_left = 0; }
  void leave(const Xid& id);

  [[nodiscard]] std::size_t free() const { return free_.size(); }
  [[nodiscard]] std::size_t busy() const { return clients_.size() - free_.size(); }

 private:
  using Place = std::pair<std::uint32_t, std::uint64_t>;  // least_msgs, turn
  void add_free(const ClientState& client);
  void erase_free(const ClientState& client);

  std::unordered_map<Xid, ClientState> clients_;
  // Those without a batch, in two orders: each step asks whose turn it is, and where a rate makes msgs
  // it asks whose batch they fill, too. Thousands may be free, so neither looks through all.
  std::map<std::uint64_t, const ClientState*> free_;
  std::set<Place> free_by_size_;
  std::uint64_t next_turn_ = 0;
};

}  // namespace pena::core
