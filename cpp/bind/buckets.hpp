// The buckets of a running server or of an opened store, as Python holds them.
#pragma once

#include <memory>
#include <mutex>
#include <string>
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
  void close() {
    const auto view = [this] {
      const std::lock_guard lock{mutex_};
      return std::exchange(view_, nullptr);
    }();
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const store::View> view_;
};

}  // namespace pena::bind
