// What a worker's engine has for those that do the work: msgs, and whose work is not waited for any more. Any
// thread may put and take.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_set>
#include <vector>

#include "client/worker.hpp"

namespace pena::client {

class Inbox {
 public:
  Inbox() = default;
  ~Inbox();
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  void put(Work work);
  // False where nobody has taken it yet: then nobody will. Of one that has ended nothing is told.
  [[nodiscard]] bool cancel(std::uint64_t run, CancelReason reason);
  void keep(std::uint64_t run);
  // It has ended.
  void forget(std::uint64_t run);
  // Nothing more will come; whoever waits goes on.
  void close();

  using Timeout = std::optional<std::chrono::milliseconds>;
  [[nodiscard]] std::optional<Work> take(Timeout timeout);
  [[nodiscard]] std::vector<Cancelled> take_cancelled(Timeout timeout);
  [[nodiscard]] std::optional<CancelReason> cancelled(std::uint64_t run) const;
  // Readable while there is something to take, or once it is closed. Throws std::system_error.
  [[nodiscard]] int ready_descriptor();

 private:
  template <class Ready>
  void wait(std::unique_lock<std::mutex>& lock, std::condition_variable& when, Timeout timeout,
            Ready ready);
  void show();  // whether there is something

  mutable std::mutex mutex_;
  std::condition_variable has_work_, has_cancelled_;
  std::deque<Work> work_;
  std::unordered_set<std::uint64_t> taken_;          // runs that have not ended
  std::map<std::uint64_t, CancelReason> cancelled_;  // of runs that have not ended
  std::vector<Cancelled> news_;
  bool closed_ = false;
  int descriptor_ = -1;  // once somebody asked for it
  bool shown_ = false;
};

}  // namespace pena::client
