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
  ClientState& joined = at->second;
  const std::size_t lists = joined.queues.size() + (takes_generated(joined) ? 1 : 0);
  for (std::size_t i = 0; i < lists; ++i) {
    joined.places.push_back(busy_.insert(busy_.end(), &joined));
  }
  add_free(joined);
}

ClientState* Clients::find(const Xid& id) {
  const auto at = clients_.find(id);
  return at == clients_.end() ? nullptr : &at->second;
}

ClientState* Clients::first_free_for(std::size_t msgs) {
  ClientState* first = nullptr;
  for (auto& [size, free] : free_by_size_) {
    if (size > msgs) break;
    if (first == nullptr || free.front()->turn < first->turn) first = free.front();
  }
  return first;
}

Clients::Lack Clients::lack_of_made(std::size_t enough) const {
  Lack lack;
  for (const ClientState* const client : free_in_default_[kGeneratedQueue]) {
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
  for (const InTurn::iterator place : client.places) busy_.erase(place);
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
  auto place = client.places.begin();
  const auto stand_in = [&](InTurn& free) {
    free.splice(free.end(), busy_, *place++);
  };
  for (const QueueNumber queue : client.queues) stand_in(free_in(queue));
  if (takes_generated(client)) stand_in(free_by_size_[client.least_msgs()]);
}

void Clients::erase_free(ClientState& client) {
  --free_;
  auto place = client.places.begin();
  for (const QueueNumber queue : client.queues) {
    InTurn& free = free_in(queue);
    busy_.splice(busy_.end(), free, *place++);
    if (free.empty() && queue >= kFirstNamedQueue) free_in_named_.erase(queue);
  }
  if (takes_generated(client)) {
    const auto of_its_size = free_by_size_.find(client.least_msgs());
    busy_.splice(busy_.end(), of_its_size->second, *place);
    if (of_its_size->second.empty()) free_by_size_.erase(of_its_size);
  }
  note_waiting(client, std::nullopt, false);
  client.plan.reset();
  client.overtaken = false;
  client.hurries = false;
}

}  // namespace pena::core
