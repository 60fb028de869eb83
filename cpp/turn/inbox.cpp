#include "turn/inbox.hpp"

#include <iterator>
#include <variant>

namespace pena::turn {
namespace {

std::size_t size_of(const core::Event& event) {
  if (const auto* submitted = std::get_if<core::Submitted>(&event)) return submitted->msgs.size();
  if (const auto* reported = std::get_if<core::Reported>(&event)) {
    return reported->ids.size() + reported->failed.size() + reported->refused.size();
  }
  if (const auto* asked = std::get_if<core::StatusAsked>(&event)) return asked->ids.size();
  return 0;
}

}  // namespace

void take_round(std::vector<core::Event>& inbox, std::vector<core::Event>& events,
                std::size_t most) {
  std::size_t size = 0;
  auto end = inbox.begin();
  for (; end != inbox.end(); ++end) {
    size += size_of(*end);
    if (size > most && end != inbox.begin()) break;
  }
  // As a rule all goes, and the two buffers take turns, so that neither is allocated anew.
  if (end == inbox.end() && events.empty()) return events.swap(inbox);
  events.insert(events.end(), std::make_move_iterator(inbox.begin()), std::make_move_iterator(end));
  inbox.erase(inbox.begin(), end);
}

}  // namespace pena::turn
