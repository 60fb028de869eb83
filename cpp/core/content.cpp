#include "core/content.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

namespace pena::core {
namespace {

// To people what the generator makes is of `default`, too.
QueueNumber told(QueueNumber queue) {
  return queue == kGeneratedQueue ? kDefaultQueue : queue;
}

}  // namespace

Content content_of(const Msg& msg) {
  return {told(msg.queue), msg.period, msg.max_resends, msg.key, hash_of(msg.payload)};
}

Content content_of(const ReportRecord& record) {
  return {told(record.queue), record.period, record.max_resends, record.key, record.payload_hash};
}

bool says_the_same(const Content& a, const Content& b) {
  const bool payload = !a.payload || !b.payload || *a.payload == *b.payload;
  return payload && a.queue == b.queue && a.period == b.period && a.max_resends == b.max_resends &&
         a.key == b.key;
}

PayloadHash hash_of(std::string_view payload) {
  PayloadHash hash{};
  if (payload.empty()) return hash;
  XXH128_canonical_t bytes;
  XXH128_canonicalFromHash(&bytes, XXH3_128bits(payload.data(), payload.size()));
  std::ranges::copy(bytes.digest, hash.begin());
  return hash;
}

}  // namespace pena::core
