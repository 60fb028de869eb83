// The buckets of a running server or of an opened store, as Python holds them.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "store/store.hpp"

namespace pena::bind {

// A view that can be closed while others read: the last read lets go of the store. Guarded by a
// mutex.
class Buckets {
 public:
  explicit Buckets(std::shared_ptr<const store::View> view) : view_(std::move(view)) {}

  // Throws StoreError once closed.
  [[nodiscard]] std::shared_ptr<const store::View> view() const {
    const std::lock_guard lock{mutex_};
    if (!view_) throw store::StoreError("the store is closed");
    return view_;
  }
  // Of a queue of which there is or was a msg. Its names and numbers stay, so one look is enough for many.
  [[nodiscard]] std::string queue_name(core::QueueNumber number) {
    if (number < core::kFirstNamedQueue) return std::string{core::kDefaultQueueName};
    {
      const std::lock_guard lock{mutex_};
      const auto known = names_.find(number);
      if (known != names_.end()) return known->second;
    }
    const auto queues = view()->queues();
    const std::lock_guard lock{mutex_};
    for (const store::QueueInfo& queue : queues) names_[queue.number] = queue.name;
    return names_[number];
  }
  void close() {
    const auto view = [this] {
      const std::lock_guard lock{mutex_};
      return std::exchange(view_, nullptr);
    }();
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const store::View> view_;
  std::unordered_map<core::QueueNumber, std::string> names_;
};

}  // namespace pena::bind
