// How it stands, as of one step: what people ask for with GET /clients, GET /batch and GET /stats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/counts.hpp"
#include "core/event.hpp"
#include "core/instant.hpp"
#include "core/leases.hpp"
#include "core/msg.hpp"
#include "core/rates.hpp"

namespace pena::core {

// Somebody who is connected.
struct ClientNow {
  Xid id;
  std::string name;  // empty: nothing is known; so of its address
  std::string address;
  std::vector<std::string> queues;  // the most wanted first
  bool submitted_only = false;
  std::uint32_t batchsize = 1;
  Instant since;             // a date
  std::optional<Xid> batch;  // what it holds; none: it is free
  std::size_t holds = 0;     // so many msgs
  Duration left{};           // until the end of its lease; 0 where it is free
};

// A batch that is held, be its client connected or not.
struct BatchNow {
  std::shared_ptr<const Batch> batch;
  Lease::State state = Lease::State::running;
  Duration left{};  // until the end of its lease, or of the grace
};

struct QueueNow {
  QueueNumber number = kDefaultQueue;
  std::string name;
  bool paused = false;
  std::size_t clients = 0;  // that take from it
  std::size_t held = 0;     // msgs; of the queue `default` those of the generator, too
};

// Of what is not asked for nothing is said.
struct Status {
  StatusAsked::What what = StatusAsked::What::stats;
  Instant date;  // as of which
  std::vector<ClientNow> clients;
  std::vector<BatchNow> batches;
  std::vector<QueueNow> queues;
  Counts counts;
  Rates rates;
  std::uint64_t queued = 0, later = 0;   // msgs, of all queues
  std::uint64_t reports = 0, fails = 0;  // that are kept
  bool more = false;                     // there are others behind the last of the list
  // Of each msg that was asked for what holds it; null: no batch does. Where no batch was granted between two
  // such answers, nobody held it in between.
  std::vector<std::shared_ptr<const Batch>> holders;
  std::uint64_t batches_granted = 0;
};

struct StatusReply {
  RequestId request = 0;
  std::shared_ptr<const Status> status;
};

}  // namespace pena::core
