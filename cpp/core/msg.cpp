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

bool settled_under(const Xid& batch, std::span<const Miss> story) {
  return std::ranges::any_of(
      story, [&](const Miss& miss) { return miss.batch == batch && !miss.lost_whole(); });
}

bool settled_under(const Xid& batch, const ReportRecord& record) {
  return record.batch == batch || settled_under(batch, record.misses);
}

}  // namespace pena::core
