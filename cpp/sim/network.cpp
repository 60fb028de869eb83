#include "sim/network.hpp"

#include <algorithm>
#include <utility>

namespace pena::sim {

using namespace std::chrono_literals;

// ---- a pipe

void Pipe::push(Packet packet, core::Duration delay) {
  if (torn_ && packet.kind != Packet::Kind::end) return;
  TrueTime ready = timeline_.now() + delay;
  if (!waiting_.empty()) ready = std::max(ready, waiting_.back().ready_at);
  backlog_ += packet.bytes.size();
  waiting_.push_back({std::move(packet), ready});
  pump();
}

TrueTime Pipe::ready_at() const {
  return std::max({waiting_.front().ready_at, cut_until_(), held_until_});
}

void Pipe::pump() {
  if (pumps_ || waiting_.empty()) return;
  pumps_ = true;
  timeline_.at(ready_at(), shared_from_this(), [this] {
    pumps_ = false;
    while (!waiting_.empty() && ready_at() <= timeline_.now()) {
      const Packet packet = std::move(waiting_.front().packet);
      waiting_.pop_front();
      backlog_ -= packet.bytes.size();
      if (deliver) deliver(packet);
    }
    pump();
  });
}

// ---- a connection

Connection::Connection(Network& network, std::uint32_t client)
    : network_(network),
      down_(std::make_shared<Pipe>(network.timeline(),
                                   [&network, client] {
                                     const Network::Link& link = network.link(client);
                                     return std::max(link.down_cut_until, link.unread_until);
                                   })),
      up_(std::make_shared<Pipe>(
          network.timeline(), [&network, client] { return network.link(client).up_cut_until; })) {
  down_->deliver = [this](const Packet& packet) {
    if (at_client) at_client(packet);
    if (room_at_server) room_at_server();
  };
  up_->deliver = [this](const Packet&) {
    if (ended_at_server) ended_at_server();
  };
}

void Connection::send(Packet packet) {
  down_->push(std::move(packet), network_.delay());
}

void Connection::close_by_client() {
  at_client = nullptr;
  // The pipe may outlast this connection's owner at the client.
  network_.timeline().after(network_.delay(), [self = shared_from_this()] {
    self->up_->push({Packet::Kind::end, {}}, 0us);
  });
}

void Connection::reset(Dice& dice) {
  if (dice.chance(0.5)) down_->tear();
  const auto self = shared_from_this();
  network_.timeline().after(dice.between(0us, 100ms), [self] {
    if (self->ended_at_server) self->ended_at_server();
  });
  network_.timeline().after(dice.between(0us, 100ms), [self] {
    self->down_->push({Packet::Kind::end, {}}, 0us);
  });
}

void Connection::hold(TrueTime until, TrueTime server_ends, bool tells_client) {
  down_->hold_until(until);
  const auto self = shared_from_this();
  network_.timeline().at(server_ends, [self, tells_client] {
    if (self->ended_at_server) self->ended_at_server();
    if (tells_client) self->down_->push({Packet::Kind::end, {}}, 0us);
  });
}

// ---- the network

std::shared_ptr<Connection> Network::Link::stream(std::uint64_t choice) const {
  return streams_.empty() ? nullptr : streams_.at(choice % streams_.size()).lock();
}

// What its client has closed is of no more use.
void Network::Link::add(const std::shared_ptr<Connection>& stream) {
  std::erase_if(streams_, [](const std::weak_ptr<Connection>& other) {
    const auto lives = other.lock();
    return !lives || !lives->at_client;
  });
  streams_.push_back(stream);
}

Network::Network(Timeline& timeline, const Scenario& scenario)
    : timeline_(timeline),
      dice_(scenario.seed, 2),
      long_delays_(scenario.kinds.test(static_cast<std::size_t>(FaultKind::long_delays))),
      links_(scenario.clients.size() + 1) {}

core::Duration Network::delay() {
  if (long_delays_ && dice_.chance(0.2)) return dice_.between(0us, 500ms);
  return dice_.between(50us, 2ms);
}

void Network::request(std::uint32_t client, AtServer at_server, OnReply on_reply) {
  Link& with = link(client);
  if (with.refusals_left > 0) {
    --with.refusals_left;
    timeline_.after(delay(), [on_reply, refusal = with.refusal] { on_reply(refusal); });
    return;
  }
  TrueTime arrives = timeline_.now() + delay();
  if (with.up_cut_until > timeline_.now()) {
    if (dice_.chance(0.5)) return;  // lost with its connection: the client's own time runs out
    arrives = with.up_cut_until + delay();
  }
  const bool answer_lost = std::exchange(with.lose_next_answer, false);
  if (const auto late = std::exchange(with.late_next, {})) arrives += *late;
  const OnReply back = [this, client, answer_lost,
                        on_reply = std::move(on_reply)](const Reply& reply) {
    if (answer_lost) return;
    const Link& now = link(client);
    TrueTime comes = timeline_.now() + delay();
    if (now.down_cut_until > timeline_.now()) {
      if (dice_.chance(0.5)) return;
      comes = now.down_cut_until + delay();
    }
    timeline_.at(comes, [on_reply, reply] { on_reply(reply); });
  };
  if (const auto again = std::exchange(with.duplicate_next, {})) {
    timeline_.at(arrives + *again, [at_server] { at_server([](const Reply&) {}); });
  }
  timeline_.at(arrives, [at_server = std::move(at_server), back] { at_server(back); });
}

void Network::calm() {
  for (Link& with : links_) {
    with.up_cut_until = std::min(with.up_cut_until, timeline_.now());
    with.down_cut_until = std::min(with.down_cut_until, timeline_.now());
    with.unread_until = std::min(with.unread_until, timeline_.now());
    with.duplicate_next.reset();
    with.late_next.reset();
    with.lose_next_answer = false;
    with.refusals_left = 0;
  }
}

}  // namespace pena::sim
