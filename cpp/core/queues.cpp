#include "core/queues.hpp"

#include <algorithm>

namespace pena::core {

Queues::Queues(const Limits& limits, const std::vector<StoredQueue>& stored) : limits_(limits) {
  for (const StoredQueue& queue : stored) {
    if (queue.queued == 0) continue;
    Entry& entry =
        entries_.try_emplace(queue.number, Queue{limits, queue.number, queue.queued}).first->second;
    count(entry);
    ahead_.insert(queue.number);
  }
  for (const QueueNumber queue : {kDefaultQueue, kGeneratedQueue}) {
    of_default_[queue] = &entries_.try_emplace(queue, Queue{limits, queue, 0}).first->second;
  }
}

Queue& Queues::at(QueueNumber queue) {
  if (Queue* const found = find(queue)) return *found;
  return entries_.try_emplace(queue, Queue{limits_, queue, 0}).first->second.queue;
}

std::optional<QueueNumber> Queues::first_from(QueueNumber queue) const {
  const auto at = std::find_if(entries_.lower_bound(queue), entries_.end(),
                               [](const auto& one) { return !one.second.queue.empty(); });
  return at == entries_.end() ? std::nullopt : std::optional{at->first};
}

void Queues::count(Entry& entry) {
  const InMemory now = entry.queue.in_memory();
  waiting_ += entry.queue.size() - entry.waiting;
  in_memory_.msgs += now.msgs - entry.in_memory.msgs;
  in_memory_.bytes += now.bytes - entry.in_memory.bytes;
  in_memory_.missed_ids += now.missed_ids - entry.in_memory.missed_ids;
  entry.waiting = entry.queue.size();
  entry.in_memory = now;
}

void Queues::settle(QueueNumber queue, std::size_t lacks, std::vector<Write>& writes) {
  Entry* const found = const_cast<Entry*>(find_entry(queue));
  if (found == nullptr) return;
  Entry& entry = *found;
  entry.queue.write_added(writes);
  count(entry);
  note_refill(entry, lacks);
  if (entry.in_memory.msgs > 0) {
    with_window_.insert(queue);
  } else if (!with_window_.empty()) {
    with_window_.erase(queue);
  }
  if (queue >= kFirstNamedQueue && entry.waiting == 0) entries_.erase(queue);
}

void Queues::note_refill(const Entry& entry, std::size_t lacks) {
  const QueueNumber queue = entry.queue.number();
  const bool wanted = entry.waiting > 0 && entry.queue.wanted_refill(lacks > 0).has_value();
  if (wanted && lacks > 0) {
    hungry_[queue] = lacks;
  } else if (!hungry_.empty()) {
    hungry_.erase(queue);
  }
  if (wanted && lacks == 0) {
    ahead_.insert(queue);
  } else if (!ahead_.empty()) {
    ahead_.erase(queue);
  }
}

// Those of `default` last.
void Queues::keep_to_window(const std::function<bool(QueueNumber)>& is_wanted) {
  const auto is_too_much = [this](std::size_t parts) {
    return in_memory_.msgs > limits_.window_msgs / 4 * parts ||
           in_memory_.bytes > limits_.window_bytes / 4 * parts;
  };
  if (with_window_.size() < 2 || !is_too_much(4)) return;
  for (auto next = with_window_.end(); next != with_window_.begin() && is_too_much(3);) {
    const QueueNumber queue = *--next;
    if (is_wanted(queue)) continue;
    forget_window(queue);
    next = with_window_.erase(next);
  }
}

// Nobody asks for it: whoever comes for its msgs has it looked at again.
void Queues::forget_window(QueueNumber queue) {
  Entry& entry = entries_.at(queue);
  entry.queue.forget_window();
  count(entry);
  hungry_.erase(queue);
  ahead_.erase(queue);
}

// One alone keeps to it by itself, whatever its last msg is.
bool Queues::are_over() const {
  return with_window_.size() > 1 &&
         (in_memory_.msgs > limits_.window_msgs + limits_.window_msgs / 4 ||
          in_memory_.bytes > limits_.window_bytes + limits_.window_bytes / 4);
}

void Queues::forget_bodies() {
  std::erase_if(with_window_, [this](QueueNumber queue) {
    Entry& entry = entries_.at(queue);
    entry.queue.forget_bodies();
    count(entry);
    return entry.in_memory.msgs == 0;
  });
}

std::vector<QueueNumber> Queues::forget_all_but(QueueNumber kept) {
  std::vector<QueueNumber> left;
  for (const QueueNumber queue : with_window_) {
    if (queue != kept) left.push_back(queue);
  }
  for (const QueueNumber queue : left) {
    forget_window(queue);
    with_window_.erase(queue);
  }
  return left;
}

// Whoever lacks msgs is served first, and where there is little room with no more than he lacks. What nobody
// asks for is read ahead only where there is room for it.
std::optional<WantedRefill> Queues::wanted_refill() const {
  const auto left = [](std::size_t most, std::size_t used) {
    return most > used ? most - used : 0;
  };
  const std::size_t msgs = left(limits_.window_msgs, in_memory_.msgs);
  const std::size_t bytes = left(limits_.window_bytes, in_memory_.bytes);
  if (!hungry_.empty()) {
    const auto& [queue, lacks] = *next_behind(hungry_, refilled_last_);
    auto wanted = entries_.at(queue).queue.wanted_refill(true);
    wanted->limit = std::min(wanted->limit, std::max(lacks, msgs));
    wanted->bytes = std::min(wanted->bytes, std::max(limits_.window_bytes / 16, bytes));
    return wanted;
  }
  if (ahead_.empty() || msgs < limits_.window_msgs / 2 || bytes < limits_.window_bytes / 2) {
    return std::nullopt;
  }
  const QueueNumber queue = *next_behind(ahead_, refilled_last_);
  auto wanted = entries_.at(queue).queue.wanted_refill(false);
  // Beside others not all of it: a page may be larger by its last msg, and nobody is to leave for it.
  const std::size_t own = with_window_.contains(queue) ? 1 : 0;
  const bool is_alone = with_window_.size() == own;
  wanted->limit = std::min(wanted->limit, msgs - (is_alone ? 0 : limits_.window_msgs / 4));
  wanted->bytes = std::min(wanted->bytes, bytes - (is_alone ? 0 : limits_.window_bytes / 4));
  return wanted;
}

}  // namespace pena::core
