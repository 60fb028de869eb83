#include "core/clients.hpp"

#include <algorithm>

#include "core/check.hpp"

namespace pena::core {

void Clients::join(const Xid& id, std::uint32_t batchsize, bool takes_short,
                   std::optional<std::uint64_t> batches) {
  const auto [at, is_new] =
      clients_.emplace(id, ClientState{id, batchsize, takes_short, {}, next_turn_++, batches});
  PENA_CHECK(is_new);
  add_free(at->second);
}

ClientState* Clients::find(const Xid& id) {
  const auto at = clients_.find(id);
  return at == clients_.end() ? nullptr : &at->second;
}

const ClientState* Clients::first_free() const {
  return free_.empty() ? nullptr : free_.begin()->second;
}

const ClientState* Clients::first_free_for(std::size_t msgs) const {
  std::optional<std::uint64_t> first;
  // From size to size: of each the first place is the one that has been free longest.
  for (auto at = free_by_size_.begin(); at != free_by_size_.end() && at->first <= msgs;
       at = free_by_size_.lower_bound({at->first + 1, 0})) {
    first = std::min(first.value_or(at->second), at->second);
  }
  return first ? free_.at(*first) : nullptr;
}

void Clients::make_busy(const Xid& id, const Xid& batch) {
  ClientState& client = clients_.at(id);
  PENA_CHECK(!client.batch);
  erase_free(client);
  client.batch = batch;
  if (client.batches_left) --*client.batches_left;
}

void Clients::make_free(const Xid& id) {
  ClientState& client = clients_.at(id);
  PENA_CHECK(client.batch);
  client.batch.reset();
  client.turn = next_turn_++;
  add_free(client);
}

void Clients::leave(const Xid& id) {
  const ClientState& client = clients_.at(id);
  if (!client.batch) erase_free(client);
  clients_.erase(id);
}

void Clients::add_free(const ClientState& client) {
  free_.emplace_hint(free_.end(), client.turn, &client);
  free_by_size_.emplace(client.least_msgs(), client.turn);
}

void Clients::erase_free(const ClientState& client) {
  free_.erase(client.turn);
  free_by_size_.erase({client.least_msgs(), client.turn});
}

}  // namespace pena::core
