#include "core/queue_names.hpp"

#include <algorithm>

#include "core/check.hpp"

namespace pena::core {

QueueNames::QueueNames(const std::vector<StoredQueue>& stored) {
  const std::string name_of_default{kDefaultQueueName};
  entries_[kDefaultQueue] = {name_of_default, true};
  entries_[kGeneratedQueue] = {name_of_default, true};
  numbers_.emplace(name_of_default, kDefaultQueue);
  for (const StoredQueue& queue : stored) {
    any_paused_ = any_paused_ || queue.paused;
    if (queue.number < kFirstNamedQueue) {
      entries_[queue.number].paused = queue.paused;
      continue;
    }
    const bool is_new = numbers_.emplace(queue.name, queue.number).second;
    PENA_CHECK(is_new);
    entries_[queue.number] = {queue.name, true, queue.paused};
    next_ = std::max(next_, queue.number + 1);
    ++stored_;
  }
}

std::optional<QueueNumber> QueueNames::find(const std::string& name) const {
  const auto at = numbers_.find(name);
  return at == numbers_.end() ? std::nullopt : std::optional{at->second};
}

std::string_view QueueNames::name(QueueNumber queue) const {
  return entries_.at(queue).name;
}

QueueNumber QueueNames::add(const std::string& name) {
  QueueNumber number = next_;
  if (given_back_.empty()) {
    ++next_;
  } else {
    number = given_back_.back();
    given_back_.pop_back();
  }
  numbers_.emplace(name, number);
  entries_[number] = {name};
  return number;
}

QueueNumber QueueNames::begin_use(const std::string& name) {
  const auto known = find(name);
  const QueueNumber queue = known ? *known : add(name);
  ++at(queue).uses;
  return queue;
}

void QueueNames::end_use(QueueNumber queue) {
  Entry& entry = at(queue);
  if (--entry.uses > 0 || entry.stored) return;
  numbers_.erase(entry.name);
  entries_.erase(queue);
  given_back_.push_back(queue);
}

QueueNames::Stored QueueNames::store(const std::string& name) {
  const auto known = find(name);
  const QueueNumber queue = known ? *known : add(name);
  Entry& entry = at(queue);
  if (entry.stored) return {queue, false};
  entry.stored = true;
  ++stored_;
  return {queue, true};
}

}  // namespace pena::core
