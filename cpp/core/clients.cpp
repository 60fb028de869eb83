#include "core/clients.hpp"

#include <algorithm>

#include "core/check.hpp"

namespace pena::core {

bool Clients::takes_generated(const ClientState& client) {
  return std::ranges::find(client.queues, kGeneratedQueue) != client.queues.end();
}

void Clients::join(ClientState&& client) {
  client.turn = next_turn_++;
  const Xid id = client.id;
  const auto [at, is_new] = clients_.emplace(id, std::move(client));
  PENA_CHECK(is_new);
  add_free(at->second);
}

ClientState* Clients::find(const Xid& id) {
  const auto at = clients_.find(id);
  return at == clients_.end() ? nullptr : &at->second;
}

ClientState* Clients::first_free_for(std::size_t msgs) {
  std::optional<std::uint64_t> first;
  // From size to size: of each the first place is the one that has been free longest.
  for (auto at = free_by_size_.begin(); at != free_by_size_.end() && at->first <= msgs;
       at = free_by_size_.lower_bound({at->first + 1, 0})) {
    first = std::min(first.value_or(at->second), at->second);
  }
  return first ? free_in(kGeneratedQueue).at(*first) : nullptr;
}

Clients::Lack Clients::lack_of_made(std::size_t enough) const {
  Lack lack;
  for (const auto& [turn, client] : free_in_default_[kGeneratedQueue]) {
    if (lack.msgs >= enough) break;
    ++lack.clients;
    lack.msgs += client->batchsize;
  }
  return lack;
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
  ClientState& client = clients_.at(id);
  if (!client.batch) erase_free(client);
  clients_.erase(id);
}

void Clients::note_waiting(ClientState& client, std::optional<Instant> since, bool lingers) {
  if (client.waits_since == since && client.lingers == lingers) return;
  if (client.lingers) lingering_.erase({*client.waits_since, client.id});
  client.waits_since = since;
  client.lingers = lingers;
  if (lingers) lingering_.emplace(*since, client.id);
}

std::optional<Instant> Clients::lingering_since() const {
  return lingering_.empty() ? std::nullopt : std::optional{lingering_.begin()->first};
}

std::vector<Xid> Clients::lingering_since(Instant since) const {
  std::vector<Xid> found;
  for (auto at = lingering_.begin(); at != lingering_.end() && at->first <= since; ++at) {
    found.push_back(at->second);
  }
  return found;
}

void Clients::add_free(ClientState& client) {
  ++free_;
  for (const QueueNumber queue : client.queues) {
    Free& free = free_in(queue);
    free.emplace_hint(free.end(), client.turn, &client);
  }
  if (takes_generated(client)) free_by_size_.emplace(client.least_msgs(), client.turn);
}

void Clients::erase_free(ClientState& client) {
  --free_;
  for (const QueueNumber queue : client.queues) {
    Free& free = free_in(queue);
    free.erase(client.turn);
    if (free.empty() && queue >= kFirstNamedQueue) free_in_named_.erase(queue);
  }
  if (takes_generated(client)) free_by_size_.erase({client.least_msgs(), client.turn});
  note_waiting(client, std::nullopt, false);
  client.plan.reset();
  client.overtaken = false;
  client.hurries = false;
}

}  // namespace pena::core
