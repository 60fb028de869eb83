#include "turn/first_ids.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

namespace pena::turn {

// Batches have ids that a server made; a msg's may be anybody's, and as far ahead as he likes: what is
// more than a day ahead of the clock was made by somebody else.
std::uint32_t second_of_last_id(const store::Index& index, core::Instant now) {
  if (const auto said = index.meta(kIdSecond)) {
    constexpr std::uint32_t kEnd = core::unix_seconds(core::XidFactory::kEndOfDates);
    if (*said < kEnd) return static_cast<std::uint32_t>(*said);
    throw store::StoreError("the meta value id_second is " + std::to_string(*said) +
                            ", which is past 2099; expected less than " + std::to_string(kEnd) +
                            ", for ids end in 2106");
  }
  const auto day = std::chrono::hours{24};
  std::uint32_t second = 0;
  for (const core::Batch& batch : index.batches()) second = std::max(second, batch.id.seconds());
  const auto last = index.last_up_to(core::Xid::last_of(core::unix_seconds(now + day)));
  return last ? std::max(second, last->seconds()) : second;
}

std::vector<core::Xid> brought_before(const store::Index& index, const core::XidFactory& ids) {
  std::vector<core::Xid> found;
  const auto note = [&](const core::Xid& id) {
    if (ids.may_make(id)) found.push_back(id);
  };
  constexpr std::size_t kPage = 10'000;
  for (const store::Bucket bucket :
       {store::Bucket::queue, store::Bucket::report, store::Bucket::fail}) {
    std::optional<core::Xid> after = core::Xid::last_of(ids.second());
    while (after) {
      const store::Page<core::Xid> page = index.ids(bucket, after, kPage);
      std::ranges::for_each(page.records, note);
      after = page.more ? std::optional{page.records.back()} : std::nullopt;
    }
  }
  for (const core::Batch& batch : index.batches()) {
    for (const core::QueuedMsg& msg : batch.msgs) note(msg.msg.id);
  }
  return found;
}

}  // namespace pena::turn
