#include "core/msg.hpp"

namespace pena::core {

std::string_view word(MissReason reason) {
  switch (reason) {
    case MissReason::omitted:
      return "omitted";
    case MissReason::failed:
      return "failed";
    case MissReason::refused:
      return "refused";
    case MissReason::dropped:
      return "dropped";
    case MissReason::expired:
      return "expired";
  }
  return "?";
}

const Miss* QueuedMsg::last_loss() const {
  for (auto miss = misses.rbegin(); miss != misses.rend(); ++miss) {
    if (miss->lost_whole()) return &*miss;
  }
  return nullptr;
}

}  // namespace pena::core
