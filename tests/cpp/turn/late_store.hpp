// A store in memory behind a log: what is appended is durable, and in the index, when the test says so.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>

#include "store/forwarding_store.hpp"
#include "store/memory_store.hpp"

namespace pena::turn::test {

// The log and the index by one thread, what the test says by any.
class LateStore final : public store::ForwardingStore {
 public:
  LateStore() : ForwardingStore(store::make_memory_store()) {}

  store::Ticket append(std::shared_ptr<const store::ChangeSet> changes) override {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(changes));
    changed_.notify_all();
    return ++appended_;
  }
  [[nodiscard]] store::Ticket durable() override {
    const std::lock_guard lock(mutex_);
    for (; applied_ < may_apply_; ++applied_) {
      commit(*waiting_.front());
      waiting_.pop_front();
    }
    return durable_;
  }
  [[nodiscard]] store::Ticket applied() const override {
    const std::lock_guard lock(mutex_);
    return applied_;
  }
  void when_durable(const std::function<void()>& wake) override { wake_ = wake; }

  void wait_for_append(store::Ticket number) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return appended_ >= number; });
  }
  [[nodiscard]] store::Ticket appended() const {
    const std::lock_guard lock(mutex_);
    return appended_;
  }
  // What was appended up to there is durable; likewise in the index, from the next durable() on.
  void sync(store::Ticket up_to) {
    {
      const std::lock_guard lock(mutex_);
      durable_ = up_to;
    }
    if (wake_) wake_();
  }
  void apply(store::Ticket up_to) {
    const std::lock_guard lock(mutex_);
    may_apply_ = up_to;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> wake_;
  std::deque<std::shared_ptr<const store::ChangeSet>> waiting_;  // to be in the index
  store::Ticket appended_ = 0, durable_ = 0, may_apply_ = 0, applied_ = 0;
};

}  // namespace pena::turn::test
