#include "core/clients.hpp"

#include "core/check.hpp"

namespace pena::core {

void Clients::join(const Xid& session, std::uint32_t batchsize, bool takes_short) {
  const bool is_new =
      clients_.emplace(session, ClientState{session, batchsize, takes_short, {}, next_turn_})
          .second;
  PENA_CHECK(is_new);
  free_.emplace(next_turn_++, session);
}

ClientState* Clients::find(const Xid& session) {
  const auto at = clients_.find(session);
  return at == clients_.end() ? nullptr : &at->second;
}

const ClientState* Clients::first_free() const {
  return free_.empty() ? nullptr : &clients_.at(free_.begin()->second);
}

void Clients::make_busy(const Xid& session, const Xid& batch) {
  ClientState& client = clients_.at(session);
  PENA_CHECK(!client.batch);
  free_.erase(client.turn);
  client.batch = batch;
}

void Clients::make_free(const Xid& session) {
  ClientState& client = clients_.at(session);
  PENA_CHECK(client.batch);
  client.batch.reset();
  client.turn = next_turn_++;
  free_.emplace(client.turn, session);
}

void Clients::leave(const Xid& session) {
  const ClientState& client = clients_.at(session);
  if (!client.batch) free_.erase(client.turn);
  clients_.erase(session);
}

}  // namespace pena::core
