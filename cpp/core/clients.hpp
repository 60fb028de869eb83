// Who is connected, and whose turn it is (R2: the client that has been free longest is served
// next).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>

#include "core/xid.hpp"

namespace pena::core {

struct ClientState {
  Xid session;
  std::uint32_t batchsize = 1;
  bool takes_short = false;
  std::optional<Xid> batch;  // what it holds; none: it is free
  std::uint64_t turn = 0;    // its place among the free
};

class Clients {
 public:
  // A new client is free, behind all that are.
  void join(const Xid& session, std::uint32_t batchsize, bool takes_short);
  // Nothing where it is not known. The pointer is good until the next join or leave.
  [[nodiscard]] ClientState* find(const Xid& session);
  // The client that has been free longest; null where all are busy.
  [[nodiscard]] const ClientState* first_free() const;
  void make_busy(const Xid& session, const Xid& batch);
  void make_free(const Xid& session);
  void leave(const Xid& session);

  [[nodiscard]] std::size_t free() const { return free_.size(); }
  [[nodiscard]] std::size_t busy() const { return clients_.size() - free_.size(); }

 private:
  std::unordered_map<Xid, ClientState> clients_;
  std::map<std::uint64_t, Xid> free_;
  std::uint64_t next_turn_ = 0;
};

}  // namespace pena::core
