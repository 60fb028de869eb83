// What waits in paused queues, and whether somebody who is free waits for it. People are told so at all times,
// so it is summed up as it changes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "core/msg.hpp"

namespace pena::core {

class HeldBack {
 public:
  // So many msgs wait in that queue while it is paused; 0 while it is not. `is_awaited`: by a free client.
  void note(QueueNumber queue, std::uint64_t msgs, bool is_awaited) {
    const auto at = queues_.find(queue);
    if (at != queues_.end()) {
      msgs_ -= at->second.msgs;
      awaited_ -= at->second.is_awaited ? 1U : 0U;
    }
    if (msgs == 0) {
      if (at != queues_.end()) queues_.erase(at);
      return;
    }
    msgs_ += msgs;
    awaited_ += is_awaited ? 1U : 0U;
    queues_.insert_or_assign(queue, One{msgs, is_awaited});
  }

  [[nodiscard]] std::uint64_t msgs() const { return msgs_; }
  [[nodiscard]] bool is_awaited() const { return awaited_ > 0; }

 private:
  struct One {
    std::uint64_t msgs = 0;
    bool is_awaited = false;
  };
  std::unordered_map<QueueNumber, One> queues_;  // those in which msgs wait
  std::uint64_t msgs_ = 0;
  std::size_t awaited_ = 0;  // queues
};

}  // namespace pena::core
