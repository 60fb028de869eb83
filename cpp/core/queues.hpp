// All queues, and what of them is in memory.
//
// A queue is here while a msg waits in it. Together they keep as much in memory as one alone may, which is a
// window and a quarter: where they have more, those that nobody waits for leave their windows, and a refill
// brings no more than whoever is free lacks. Where that is not enough, core/window.cpp says who leaves.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "core/limits.hpp"
#include "core/queue.hpp"
#include "core/queue_names.hpp"

namespace pena::core {

// The next of these numbers behind that one, and behind the last of them the first: so that each has its
// turn, however often others come again.
template <class Numbers>
auto next_behind(Numbers& numbers, QueueNumber queue) {
  const auto at = numbers.upper_bound(queue);
  return at == numbers.end() ? numbers.begin() : at;
}
inline constexpr QueueNumber kNoQueueYet = std::numeric_limits<QueueNumber>::max();

class Queues {
 public:
  Queues(const Limits& limits, const std::vector<StoredQueue>& stored);
  Queues(const Queues&) = delete;
  Queues& operator=(const Queues&) = delete;

  // One that is not here is empty. Good until it is settled.
  [[nodiscard]] Queue& at(QueueNumber queue);
  [[nodiscard]] const Queue* find(QueueNumber queue) const {
    const Entry* const entry = find_entry(queue);
    return entry == nullptr ? nullptr : &entry->queue;
  }
  [[nodiscard]] Queue* find(QueueNumber queue) {
    return const_cast<Queue*>(std::as_const(*this).find(queue));
  }

  // The first in which msgs wait, from that number on.
  [[nodiscard]] std::optional<QueueNumber> first_from(QueueNumber queue) const;

  // How many msgs wait in all of them.
  [[nodiscard]] std::uint64_t size() const { return waiting_; }
  [[nodiscard]] const InMemory& in_memory() const { return in_memory_; }

  // What the step did to one of them is done. Writes what was added to it; `lacks`: so many of its msgs
  // the client whose turn it is there could be sent, if they were here.
  void settle(QueueNumber queue, std::size_t lacks, std::vector<Write>& writes);
  // Where there is about too much in memory, those leave it for which `is_wanted` says false.
  void keep_to_window(const std::function<bool(QueueNumber)>& is_wanted);
  // They have more than one alone may have: a window of msgs and of bytes, and a quarter of it for bodies.
  [[nodiscard]] bool are_over() const;
  // They leave the bodies that they have to others.
  void forget_bodies();
  // And their windows, all but that one. Those that did.
  std::vector<QueueNumber> forget_all_but(QueueNumber kept);
  // The queue that is refilled next for somebody who lacks its msgs.
  [[nodiscard]] std::optional<QueueNumber> first_hungry() const {
    if (hungry_.empty()) return std::nullopt;
    return next_behind(hungry_, refilled_last_)->first;
  }
  // The next of the refills that are wanted, if any: behind the queue that was refilled last, so that none
  // waits for another that is empty again and again.
  [[nodiscard]] std::optional<WantedRefill> wanted_refill() const;
  void refill(QueueNumber queue, std::vector<QueuedMsg>&& msgs, bool more) {
    refilled_last_ = queue;
    at(queue).refill(std::move(msgs), more);
  }

 private:
  struct Entry {
    explicit Entry(Queue&& queue_given) : queue(std::move(queue_given)) {}
    Queue queue;
    std::uint64_t waiting = 0;  // as it is in waiting_,
    InMemory in_memory{};       // and in in_memory_
  };
  [[nodiscard]] const Entry* find_entry(QueueNumber queue) const {
    if (queue < kFirstNamedQueue) return of_default_[queue];
    const auto at = entries_.find(queue);
    return at == entries_.end() ? nullptr : &at->second;
  }
  void count(Entry& entry);
  void forget_window(QueueNumber queue);
  void note_refill(const Entry& entry, std::size_t lacks);

  Limits limits_;
  std::map<QueueNumber, Entry> entries_;
  // The two of `default`, which are here at all times: nearly every step is about them.
  std::array<Entry*, kFirstNamedQueue> of_default_{};
  std::uint64_t waiting_ = 0;
  InMemory in_memory_;
  std::set<QueueNumber> with_window_;
  // Those that want a refill: for somebody who lacks so many, or ahead of that.
  std::map<QueueNumber, std::size_t> hungry_;
  std::set<QueueNumber> ahead_;
  QueueNumber refilled_last_ = kNoQueueYet;
};

}  // namespace pena::core
