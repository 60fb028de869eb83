#include "core/content.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <vector>

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

std::string difference(const Content& a, const Content& b, int max_resends) {
  const auto resends = [=](const Content& of) {
    return of.max_resends.value_or(static_cast<std::uint16_t>(max_resends));
  };
  std::vector<std::string_view> others;
  if (a.payload && b.payload && *a.payload != *b.payload) others.emplace_back("payload");
  if (a.period != b.period) others.emplace_back("period");
  if (a.queue != b.queue) others.emplace_back("queue");
  if (a.key != b.key) others.emplace_back("key");
  if (resends(a) != resends(b)) others.emplace_back("max_resends");
  std::string text;
  for (std::size_t at = 0; at < others.size(); ++at) {
    if (at > 0) text += at + 1 == others.size() ? " and " : ", ";
    text += others[at];
  }
  return text;
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
