// What queues are called, by what a store says.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/view.hpp"

namespace pena::turn {

// Read where somebody asks, and again where a queue is newer. One user at a time. Errors: StoreError.
class QueueNames {
 public:
  // `view` outlives it.
  explicit QueueNames(const store::View& view) : view_(view) {}

  // Empty for the two that are `default`. It stands until the next call.
  [[nodiscard]] std::string_view name(core::QueueNumber number);
  // Of msgs that were submitted; "" stands for `default`. None where no queue is called so.
  [[nodiscard]] std::optional<core::QueueNumber> number(std::string_view name);

 private:
  const store::View& view_;
  std::vector<store::QueueInfo> queues_;  // by number
};

// To people both are one.
[[nodiscard]] constexpr bool is_default_queue(core::QueueNumber number) {
  return number < core::kFirstNamedQueue;
}

}  // namespace pena::turn
