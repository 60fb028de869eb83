#include "client/inbox.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace pena::client {

Inbox::~Inbox() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void Inbox::put(Work work) {
  {
    const std::lock_guard lock(mutex_);
    work_.push_back(std::move(work));
    show();
  }
  has_work_.notify_one();
}

bool Inbox::cancel(std::uint64_t run, CancelReason reason) {
  {
    const std::lock_guard lock(mutex_);
    const auto untaken = std::ranges::find(work_, run, &Work::run);
    if (untaken != work_.end()) {
      work_.erase(untaken);
      show();
      return false;
    }
    if (!taken_.contains(run)) return true;
    cancelled_.insert_or_assign(run, reason);
    news_.push_back({run, reason});
    show();
  }
  has_cancelled_.notify_all();
  return true;
}

void Inbox::keep(std::uint64_t run) {
  {
    const std::lock_guard lock(mutex_);
    if (cancelled_.erase(run) == 0) return;
    news_.push_back({run, std::nullopt});
    show();
  }
  has_cancelled_.notify_all();
}

void Inbox::forget(std::uint64_t run) {
  const std::lock_guard lock(mutex_);
  taken_.erase(run);
  if (cancelled_.erase(run) == 0) return;
  std::erase_if(news_, [&](const Cancelled& one) { return one.run == run; });
  show();
}

void Inbox::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    show();
  }
  has_work_.notify_all();
  has_cancelled_.notify_all();
}

template <class Ready>
void Inbox::wait(std::unique_lock<std::mutex>& lock, std::condition_variable& when, Timeout timeout,
                 Ready ready) {
  if (timeout) {
    when.wait_for(lock, *timeout, ready);
  } else {
    when.wait(lock, ready);
  }
}

std::optional<Work> Inbox::take(Timeout timeout) {
  std::unique_lock lock(mutex_);
  wait(lock, has_work_, timeout, [this] { return !work_.empty() || closed_; });
  if (work_.empty() || closed_) return std::nullopt;
  Work next = std::move(work_.front());
  work_.pop_front();
  taken_.insert(next.run);
  show();
  return next;
}

std::vector<Cancelled> Inbox::take_cancelled(Timeout timeout) {
  std::unique_lock lock(mutex_);
  wait(lock, has_cancelled_, timeout, [this] { return !news_.empty() || closed_; });
  std::vector<Cancelled> news = std::exchange(news_, {});
  show();
  return news;
}

std::optional<CancelReason> Inbox::cancelled(std::uint64_t run) const {
  const std::lock_guard lock(mutex_);
  const auto at = cancelled_.find(run);
  return at == cancelled_.end() ? std::nullopt : std::optional{at->second};
}

int Inbox::ready_descriptor() {
  const std::lock_guard lock(mutex_);
  if (descriptor_ < 0) {
    descriptor_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (descriptor_ < 0) {
      throw std::system_error(errno, std::generic_category(), "no eventfd can be had");
    }
    show();
  }
  return descriptor_;
}

void Inbox::show() {
  if (descriptor_ < 0) return;
  const bool has_any = !work_.empty() || !news_.empty() || closed_;
  if (has_any == shown_) return;
  shown_ = has_any;
  eventfd_t count = 1;
  // Neither can fail: it holds 0 or 1.
  if (has_any) {
    ::eventfd_write(descriptor_, count);
  } else {
    ::eventfd_read(descriptor_, &count);
  }
}

}  // namespace pena::client
