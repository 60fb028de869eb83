#include "turn/stored_names.hpp"

namespace pena::turn {

std::string_view StoredNames::name(core::QueueNumber number) {
  if (is_default_queue(number)) return {};
  const auto at = names_.find(number);
  if (at != names_.end()) return at->second;
  return names_.emplace(number, view_.queue_name(number)).first->second;
}

std::optional<core::QueueNumber> StoredNames::number(std::string_view name) const {
  return name.empty() ? core::kDefaultQueue : view_.find_queue(name);
}

}  // namespace pena::turn
