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
  const auto those = counted();
  for (auto miss = those.rbegin(); miss != those.rend(); ++miss) {
    if (miss->lost_whole()) return &*miss;
  }
  return nullptr;
}

bool taken_under(const Xid& batch, bool as_processed, std::span<const Miss> story) {
  if (as_processed) return false;
  return std::ranges::any_of(
      story, [&](const Miss& miss) { return miss.batch == batch && !miss.lost_whole(); });
}

bool taken_under(const Xid& batch, bool as_processed, const ReportRecord& record) {
  return record.batch == batch || taken_under(batch, as_processed, record.misses);
}

}  // namespace pena::core
