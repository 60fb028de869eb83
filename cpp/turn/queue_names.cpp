#include "turn/queue_names.hpp"

#include <algorithm>

namespace pena::turn {

std::string_view QueueNames::name(core::QueueNumber number) {
  if (is_default_queue(number)) return {};
  for (int tries = 0; tries < 2; ++tries) {
    const auto at = std::ranges::lower_bound(queues_, number, {}, &store::QueueInfo::number);
    if (at != queues_.end() && at->number == number) return at->name;
    queues_ = view_.queues();
  }
  return {};
}

std::optional<core::QueueNumber> QueueNames::number(std::string_view name) {
  if (name.empty()) return core::kDefaultQueue;
  queues_ = view_.queues();
  const auto at = std::ranges::find(queues_, name, &store::QueueInfo::name);
  return at == queues_.end() ? std::nullopt : std::optional{at->number};
}

}  // namespace pena::turn
