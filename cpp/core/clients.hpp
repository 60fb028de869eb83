// Who is connected, and whose turn it is: of the clients that take msgs from a queue, the one that has
// been free longest is the first in that queue (R2).
//
// A client that takes from several queues stands in each of them, at the same place of its own turn. It
// takes from those in which it is the first; so nobody overtakes it there, and it holds back nobody in a
// queue in which it is not.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/batch_plan.hpp"
#include "core/instant.hpp"
#include "core/msg.hpp"
#include "core/xid.hpp"

namespace pena::core {

struct ClientState;
// Clients in the order of their turns: whoever becomes free comes last. A place moves from list to list.
using InTurn = std::list<ClientState*>;

struct ClientState {
  Xid id;
  std::uint32_t batchsize = 1;
  bool takes_short = false;
  bool submitted_only = false;                // it said so: nothing that the generator made
  std::optional<Xid> batch;                   // what it holds; none: it is free
  std::uint64_t turn = 0;                     // its place among the free
  std::optional<std::uint64_t> batches_left;  // how many more it may be sent; none: any number
  std::vector<QueueNumber> queues;            // what it takes from, the most wanted first
  std::string name;                           // what people call it
  std::string address = {};                   // of its connection
  Instant joined_at{};                        // a date

  // What it could be sent, as of the last look at it; none: it is to be looked at.
  std::optional<BatchPlan> plan = std::nullopt;
  // Since when it has gone without msgs that were there: they did not fill its batch, or filled another's.
  std::optional<Instant> waits_since = std::nullopt;
  bool lingers = false;
  bool overtaken = false;  // another was served with what it waited for
  std::vector<InTurn::iterator> places =
      {};                // one for each list that it stands in while it is free
  bool hurries = false;  // it lingers no longer: memory has no room for what would wait with it

  // With so many msgs it is sent what it wants.
  [[nodiscard]] std::uint32_t least_msgs() const { return takes_short ? 1 : batchsize; }
  [[nodiscard]] std::size_t lacks() const { return plan ? batchsize - plan->size() : 0; }
};

class Clients {
 public:
  // A new client is free, behind all that are.
  void join(ClientState&& client);
  // Nothing where it is not known. The pointer is good until it leaves.
  [[nodiscard]] ClientState* find(const Xid& id);
  // The client that has been free longest of those that take from this queue, or null.
  [[nodiscard]] ClientState* first_free(QueueNumber queue) {
    return const_cast<ClientState*>(std::as_const(*this).first_free(queue));
  }
  [[nodiscard]] const ClientState* first_free(QueueNumber queue) const {
    const InTurn* const free = find_free_in(queue);
    return free == nullptr || free->empty() ? nullptr : free->front();
  }
  // Of those that take what the generator makes, the one that has been free longest and for whom `msgs`
  // make a batch, or null.
  [[nodiscard]] ClientState* first_free_for(std::size_t msgs);
  // What those lack that take what the generator makes, where none is there: until they lack `enough`.
  struct Lack {
    std::size_t clients = 0;
    std::size_t msgs = 0;
  };
  [[nodiscard]] Lack lack_of_made(std::size_t enough) const;
  // Whether it takes what the generator makes.
  [[nodiscard]] static bool takes_generated(const ClientState& client);
  void make_busy(const Xid& id, const Xid& batch);
  // Of a client that may be sent more.
  void make_free(const Xid& id);
  // It is sent no batch behind the one that it holds.
  void send_no_more(const Xid& id) { clients_.at(id).batches_left = 0; }
  void leave(const Xid& id);

  // Of a free client: since when it has waited, if it does; `lingers`: what is there goes out when the
  // linger is over.
  void note_waiting(ClientState& client, std::optional<Instant> since, bool lingers);
  // Since when the one has waited that has waited longest of those that linger.
  [[nodiscard]] std::optional<Instant> lingering_since() const;
  // Those of them that have waited since then or longer.
  [[nodiscard]] std::vector<Xid> lingering_since(Instant since) const;

  // In no order.
  template <class Call>
  void for_each(Call call) const {
    for (const auto& [id, client] : clients_) call(client);
  }
  [[nodiscard]] std::size_t free() const { return free_; }
  [[nodiscard]] std::size_t busy() const { return clients_.size() - free_; }

 private:
  [[nodiscard]] InTurn& free_in(QueueNumber queue) {
    return queue < kFirstNamedQueue ? free_in_default_[queue] : free_in_named_[queue];
  }
  // Null where nobody is free.
  [[nodiscard]] const InTurn* find_free_in(QueueNumber queue) const {
    if (queue < kFirstNamedQueue) return &free_in_default_[queue];
    const auto at = free_in_named_.find(queue);
    return at == free_in_named_.end() ? nullptr : &at->second;
  }
  void add_free(ClientState& client);
  void erase_free(ClientState& client);

  std::unordered_map<Xid, ClientState> clients_;
  std::size_t free_ = 0;
  // Those without a batch, by queue, in two orders: each step asks whose turn it is, and where a rate makes
  // msgs it asks whose batch they fill, too. Thousands may be free, so neither looks through all.
  std::array<InTurn, kFirstNamedQueue> free_in_default_;  // the two of `default`, by number
  std::unordered_map<QueueNumber, InTurn> free_in_named_;
  std::map<std::uint32_t, InTurn> free_by_size_;  // of kGeneratedQueue, by least_msgs()
  InTurn busy_;                                   // the places of all others, in no order
  std::set<std::pair<Instant, Xid>> lingering_;
  std::uint64_t next_turn_ = 0;
};

}  // namespace pena::core
