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
  Xid session;
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
  void join(const Xid& session, std::uint32_t batchsize, bool takes_short,
            std::optional<std::uint64_t> batches);
  // Nothing where it is not known. The pointer is good until the next join or leave.
  [[nodiscard]] ClientState* find(const Xid& session);
  // The client that has been free longest; null where all are busy.
  [[nodiscard]] const ClientState* first_free() const;
  // The one of them that has been free longest of those for whom `msgs` make a batch, or null.
  [[nodiscard]] const ClientState* first_free_for(std::size_t msgs) const;
  void make_busy(const Xid& session, const Xid& batch);
  // Of a client that may be sent more.
  void make_free(const Xid& session);
  // It is sent no batch behind the one that it holds.
  void take_no_more(const Xid& session) { clients_.at(session).batches_left = 0; }
  void leave(const Xid& session);

  [[nodiscard]] std::size_t free() const { return free_.size(); }
  [[nodiscard]] std::size_t busy() const { return clients_.size() - free_.size(); }

 private:
  using Place = std::pair<std::uint32_t, std::uint64_t>;  // least_msgs, turn
  void add_free(const ClientState& client);
  void erase_free(const ClientState& client);

  std::unordered_map<Xid, ClientState> clients_;
  std::map<std::uint64_t, Xid> free_;
  std::set<Place> free_by_size_;  // the same clients
  std::uint64_t next_turn_ = 0;
};

}  // namespace pena::core
