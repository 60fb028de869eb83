// How it stands, for people: nothing of it is needed to serve anybody, so it is put together when somebody
// asks.
#include "core/status.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "core/dispatcher_state.hpp"

namespace pena::core {
namespace {

// The first `most` by `order`, in that order. True where there are more.
template <class Item, class Order>
bool keep_first(std::vector<Item>& items, std::size_t most, Order order) {
  const bool more = items.size() > most;
  const auto end = items.begin() + static_cast<std::ptrdiff_t>(std::min(most, items.size()));
  std::ranges::partial_sort(items, end, {}, order);
  items.erase(end, items.end());
  return more;
}

}  // namespace

void Dispatcher::State::on(StatusAsked&& event, Instant now) {
  auto status = std::make_shared<Status>();
  status->what = event.what;
  status->date = date(now);
  switch (event.what) {
    case StatusAsked::What::clients:
      list_clients(event, now, *status);
      break;
    case StatusAsked::What::batches:
      list_batches(event, now, *status);
      break;
    case StatusAsked::What::stats:
      sum_up(event, now, *status);
      break;
    case StatusAsked::What::holders:
      list_holders(event, *status);
      break;
  }
  effects.sends.emplace_back(StatusReply{event.request, std::move(status)});
}

// None where nothing is asked of one queue alone; an unknown one is in no list.
bool Dispatcher::State::is_asked(const StatusAsked& asked, QueueNumber queue) const {
  return !asked.queue || names.name(queue) == *asked.queue;
}

Duration Dispatcher::State::left_of(const Xid& batch, Instant now) const {
  return std::max(leases.end_of(batch) - now, Duration::zero());
}

void Dispatcher::State::list_clients(const StatusAsked& asked, Instant now, Status& into) const {
  std::vector<const ClientState*> found;
  clients.for_each([&](const ClientState& client) {
    const auto is_asked_for = [&](QueueNumber queue) {
      return is_asked(asked, queue);
    };
    const bool is_behind = !asked.after || client.id > *asked.after;
    if (is_behind && std::ranges::any_of(client.queues, is_asked_for)) found.push_back(&client);
  });
  into.more = keep_first(found, asked.limit, &ClientState::id);
  for (const ClientState* const client : found) {
    ClientNow& shown = into.clients.emplace_back();
    shown.id = client->id;
    shown.name = client->name;
    shown.address = client->address;
    shown.submitted_only = client->submitted_only;
    shown.batchsize = client->batchsize;
    shown.since = client->joined_at;
    shown.batch = client->batch;
    for (const QueueNumber queue : client->queues) {
      if (queue != kGeneratedQueue) shown.queues.emplace_back(names.name(queue));
    }
    if (!client->batch) continue;
    shown.holds = leases.find(*client->batch)->batch->msgs.size();
    shown.left = left_of(*client->batch, now);
  }
}

// The first of them, and others as long as they have few msgs together.
void Dispatcher::State::list_batches(const StatusAsked& asked, Instant now, Status& into) const {
  std::vector<const Lease*> found;
  leases.for_each([&](const Lease& lease) {
    const auto is_asked_for = [&](const QueuedMsg& msg) {
      return is_asked(asked, msg.msg.queue);
    };
    const bool is_behind = !asked.after || lease.batch->id > *asked.after;
    if (is_behind && std::ranges::any_of(lease.batch->msgs, is_asked_for)) found.push_back(&lease);
  });
  into.more = keep_first(found, asked.limit, [](const Lease* lease) { return lease->batch->id; });
  std::size_t msgs = 0;
  for (const Lease* const lease : found) {
    msgs += lease->batch->msgs.size();
    if (msgs > limits.page_ids && !into.batches.empty()) {
      into.more = true;
      return;
    }
    into.batches.push_back({lease->batch, lease->state, left_of(lease->batch->id, now)});
  }
}

void Dispatcher::State::list_holders(const StatusAsked& asked, Status& into) const {
  into.batches_granted = counts.batches;
  into.holders.reserve(asked.ids.size());
  for (const Xid& id : asked.ids) {
    const Xid* const held = holding.find(id);
    into.holders.push_back(held == nullptr ? nullptr : leases.find(*held)->batch);
  }
}

void Dispatcher::State::sum_up(const StatusAsked& asked, Instant now, Status& into) const {
  into.counts = counts_now();
  into.rates = rates.rates(counts, now);
  into.queued = queues.size();
  into.later = later;
  into.reports = reports_kept.kept();
  into.fails = fails_kept.kept();
  std::map<QueueNumber, std::size_t> held;
  leases.for_each([&](const Lease& lease) {
    for (const QueuedMsg& msg : lease.batch->msgs) ++held[shown_queue(msg.msg.queue)];
  });
  std::map<QueueNumber, std::size_t> takers;
  clients.for_each([&](const ClientState& client) {
    for (const QueueNumber queue : client.queues) {
      if (queue != kGeneratedQueue) ++takers[queue];
    }
  });
  const auto show = [&](const std::string& name, QueueNumber queue) {
    into.queues.push_back({queue, name, names.is_paused(queue), takers[queue], held[queue]});
  };
  if (!asked.queue) {
    into.more = names.for_each_after(asked.after_queue, asked.limit, show);
  } else if (const auto queue = names.find(*asked.queue);
             queue && *asked.queue > asked.after_queue) {
    show(*asked.queue, *queue);
  }
}

}  // namespace pena::core
