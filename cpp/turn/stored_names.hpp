// What queues are called, by what a store says.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "store/view.hpp"

namespace pena::turn {

// Each is read once. One user at a time. Errors: StoreError.
class StoredNames {
 public:
  // `view` outlives it.
  explicit StoredNames(const store::View& view) : view_(view) {}

  // Empty for the two that are `default`.
  [[nodiscard]] std::string_view name(core::QueueNumber number);
  // Of msgs that were submitted; "" stands for `default`. None where no queue is called so.
  [[nodiscard]] std::optional<core::QueueNumber> number(std::string_view name) const;

 private:
  const store::View& view_;
  std::map<core::QueueNumber, std::string> names_;  // a name stays
};

// To people both are one.
[[nodiscard]] constexpr bool is_default_queue(core::QueueNumber number) {
  return number < core::kFirstNamedQueue;
}

}  // namespace pena::turn
