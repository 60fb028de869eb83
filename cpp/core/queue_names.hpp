// The queues' names and numbers. A queue is known while the store has its name, or while a client takes
// from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/msg.hpp"

namespace pena::core {

// A queue as the store had it when the server started.
struct StoredQueue {
  QueueNumber number = kDefaultQueue;
  std::string name;  // of the two queues called `default` not looked at
  bool paused = false;
  std::uint64_t queued = 0;
};

// The number under which people see a queue.
[[nodiscard]] constexpr QueueNumber shown_queue(QueueNumber queue) {
  return queue == kGeneratedQueue ? kDefaultQueue : queue;
}

class QueueNames {
 public:
  explicit QueueNames(const std::vector<StoredQueue>& stored);

  // None where no queue is called so.
  [[nodiscard]] std::optional<QueueNumber> find(const std::string& name) const;
  // Of a queue that is known.
  [[nodiscard]] std::string_view name(QueueNumber queue) const;
  // What the generator makes is of the queue `default`.
  [[nodiscard]] bool is_paused(QueueNumber queue) const {
    return any_paused_ && entries_.at(shown_queue(queue)).paused;
  }
  // Whether any may be.
  [[nodiscard]] bool any_paused() const { return any_paused_; }
  [[nodiscard]] bool is_stored(QueueNumber queue) const { return entries_.at(queue).stored; }
  void pause(QueueNumber queue, bool paused) {
    at(queue).paused = paused;
    any_paused_ = any_paused_ || paused;
  }

  // Another client takes from the queue of that name, which may be new, or no longer.
  QueueNumber begin_use(const std::string& name);
  void end_use(QueueNumber queue);
  // The number of a queue of which there is to be a msg. `is_new`: the store is to be told its name.
  struct Stored {
    QueueNumber queue = kDefaultQueue;
    bool is_new = false;
  };
  [[nodiscard]] Stored store(const std::string& name);
  // Calls with the name and number of those behind that name, in the order of names, at most so many. True
  // where there are more.
  template <class Call>
  bool for_each_after(const std::string& name, std::size_t most, Call call) const {
    for (auto at = numbers_.upper_bound(name); at != numbers_.end(); ++at) {
      if (most-- == 0) return true;
      call(at->first, at->second);
    }
    return false;
  }
  // How many the store has names of.
  [[nodiscard]] std::size_t stored() const { return stored_; }

 private:
  struct Entry {
    std::string name;
    bool stored = false;
    bool paused = false;
    std::size_t uses = 0;  // by clients
  };
  [[nodiscard]] Entry& at(QueueNumber queue) { return entries_.at(queue); }
  QueueNumber add(const std::string& name);

  std::unordered_map<QueueNumber, Entry> entries_;
  std::map<std::string, QueueNumber> numbers_;
  bool any_paused_ = false;  // ever: where none was, nobody need look for it
  std::size_t stored_ = 0;
  QueueNumber next_ = kFirstNamedQueue;
  std::vector<QueueNumber> given_back_;  // of those that were never stored
};

}  // namespace pena::core
