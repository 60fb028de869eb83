// The laws of who is served, and with what: whose turn it is, of which queues, and which suspects travel
// together.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "sim/oracle.hpp"

namespace pena::sim {

using core::Xid;

// ---- who is there

void Oracle::joined(store::Ticket round, const core::ClientJoined& joined) {
  connected_[joined.client] = joined;
  // As the batches that are settled in this round, for the order among those is not known.
  notices_.emplace_back(round, [this, joined] {
    Client client{joined.batches, round_ + 1, {}, {}, {}, false};
    const auto takes = [&](const std::string& name) {
      if (name == core::kDefaultQueueName) {
        client.queues.insert(core::kDefaultQueue);
        if (!joined.submitted_only) client.queues.insert(core::kGeneratedQueue);
      }
      for (const auto& [number, is] : names_) {
        if (is == name) client.queues.insert(number);
      }
      client.names.insert(name);
    };
    if (joined.queues.empty()) takes(std::string{core::kDefaultQueueName});
    for (const std::string& name : joined.queues) takes(name);
    clients_[joined.client] = client;
  });
}

void Oracle::left(store::Ticket round, const Xid& client) {
  connected_.erase(client);
  leaving_.insert(client);
  notices_.emplace_back(round, [this, client] {
    clients_.erase(client);
    leaving_.erase(client);
  });
}

// From here on it may be passed over, but not until the answer is nothing more granted to it: a report that finds no
// room is refused, and its last word with it.
void Oracle::said_last(store::Ticket round, core::RequestId request, const Xid& client) {
  leaves_.said_last(request, client);
  notices_.emplace_back(round, [this, client] {
    const auto known = clients_.find(client);
    if (known != clients_.end()) known->second.may_be_last = true;
  });
}

void Oracle::last_word_answered(const core::Reported& report, const wire::ReportAnswer& answer) {
  if (report.client) leaves_.answered(report, answer.held.value());
  const auto said = leaves_.whose_last_word(report.request);
  if (!said) return;
  const auto known = clients_.find(*said);
  if (known != clients_.end()) known->second.batches_left = 0;
}

bool Oracle::has_work_for(const Xid& client) const {
  return std::ranges::any_of(msgs_, [&](const auto& msg) {
    return msg.second.queued && takes(client, msg.second.msg.queue) &&
           !is_paused(msg.second.msg.queue);
  });
}

// ---- what a batch holds

// Msgs of one lost batch travel together in one of its pieces only, a piece is no larger than the
// attempts that are left allow, and at its last attempt a suspect meets no other.
void Oracle::check_pieces(const core::Batch& batch) const {
  using Piece =
      std::pair<Xid, int>;        // the last batch that was lost, and how many attempts are left
  std::map<Xid, Piece> piece_of;  // by lost batch
  std::map<Piece, std::size_t> sizes;
  for (const core::QueuedMsg& msg : batch.msgs) {
    const core::Miss* const loss = msg.last_loss();
    if (loss == nullptr) continue;
    const Piece piece{loss->batch, most_attempts(msgs_.at(msg.msg.id)) - msg.attempts};
    for (const core::Miss& miss : msg.counted()) {
      if (!miss.lost_whole()) continue;
      law(piece_of.try_emplace(miss.batch, piece).first->second == piece, "suspects_apart",
          "two pieces of the lost batch " + miss.batch.text() + " travel together");
    }
    ++sizes[piece];
  }
  for (const auto& [piece, size] : sizes) {
    const std::size_t lost = granted_.at(piece.first).size();
    const int left = piece.second;
    law(left > 1 || (size == 1 && sizes.size() == 1), "suspects_apart",
        "one of the lost batch " + piece.first.text() +
            " has other suspects for company at its last attempt");
    law(std::pow(static_cast<double>(size - 1), left) <
            std::pow(static_cast<double>(lost), left - 1) + 0.5,
        "suspects_apart",
        std::to_string(size) + " of " + std::to_string(lost) + " of the lost batch " +
            piece.first.text() + " travel together, with " + std::to_string(left) +
            " attempts left");
    law((size - 1) * fewest_pieces_ < lost, "suspects_apart",
        std::to_string(size) + " of " + std::to_string(lost) + " of the lost batch " +
            piece.first.text() + " travel together, of which there are to be " +
            std::to_string(fewest_pieces_) + " pieces");
  }
}

// Within each queue who has been free longest is served next. Another may be served before it while a rate
// fills its batch, but not for longer than the linger. What became free in one round came in no order that
// is known here.
void Oracle::check_turn(const core::Batch& batch) {
  const auto served = clients_.find(batch.client);
  if (served == clients_.end()) return;
  Client& client = served->second;
  law(client.batches_left != 0, "no_more",
      "client " + batch.client.text() + " is given a batch, and takes no more");
  if (client.batches_left) --*client.batches_left;
  check_queues(batch, client);
  const std::uint64_t since = client.free_since.value_or(round_);
  client.free_since.reset();
  client.passed_at.reset();
  std::set<core::QueueNumber> queues;
  for (const core::QueuedMsg& msg : batch.msgs) queues.insert(msg.msg.queue);
  for (const core::QueueNumber queue : queues) check_turn(batch, queue, since);
}

void Oracle::check_queues(const core::Batch& batch, const Client& client) const {
  for (const core::QueuedMsg& msg : batch.msgs) {
    law(client.queues.contains(msg.msg.queue), "own_queue",
        msg.msg.id.text() + " goes to a client that does not take from its queue");
  }
}

void Oracle::check_turn(const core::Batch& batch, core::QueueNumber queue, std::uint64_t since) {
  Client* first = nullptr;
  bool alone = true;
  for (auto& [id, other] : clients_) {
    if (!other.free_since || other.batches_left == 0 || other.may_be_last ||
        !other.queues.contains(queue))
      continue;
    if (first == nullptr || *other.free_since < *first->free_since) {
      first = &other;
      // Of one that goes it is not known when the server took notice, so it may have been the one.
      alone = !leaving_.contains(id);
    } else if (*other.free_since == *first->free_since) {
      alone = false;
    }
  }
  if (first == nullptr || !alone || dies_ || *first->free_since >= since) return;
  if (!first->passed_at) first->passed_at = batch.granted_at;
  law(batch.granted_at <= *first->passed_at + linger_, "in_turn",
      "client " + batch.client.text() + " is served of queue " + std::to_string(queue) +
          " before one of " + std::to_string(first->queues.size()) +
          " queues that has been free since round " + std::to_string(*first->free_since) +
          " and was passed over at " + std::to_string(core::to_us(*first->passed_at)) + " before " +
          std::to_string(core::to_us(batch.granted_at)));
}

}  // namespace pena::sim
