#include "store/record_bytes.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "store/error.hpp"

namespace pena::store {
namespace {

std::uint32_t checksum_of(std::uint8_t version, std::string_view body) {
  return static_cast<std::uint32_t>(XXH3_64bits_withSeed(body.data(), body.size(), version));
}

}  // namespace

void seal(std::string& value) {
  if (value.size() < kRecordHeader)
    throw StoreError("a bug: a record without its header is to be sealed");
  const std::string_view body = std::string_view{value}.substr(kRecordHeader);
  const std::uint32_t checksum = checksum_of(kRecordVersion, body);
  value[0] = static_cast<char>(kRecordVersion);
  std::memcpy(value.data() + 1, &checksum, sizeof checksum);
}

void Writer::long_varint(std::uint64_t value) {
  if (kLongestVarint > left()) flush();
  for (; value >= 0x80; value >>= 7U) *end_++ = static_cast<char>(value | 0x80U);
  *end_++ = static_cast<char>(value);
}

void Writer::name(std::string_view name) {
  if (name.size() > UINT8_MAX) {
    throw StoreError("a bug: a name of " + std::to_string(name.size()) +
                     " bytes is to be written, expected 255 at most");
  }
  number(static_cast<std::uint8_t>(name.size()));
  bytes(name);
}

void Writer::miss(const core::Miss& miss) {
  fields(miss.batch, miss.client, miss.granted_at, miss.missed_at,
         static_cast<std::uint8_t>(miss.reason));
  name(miss.client_name);
  text(miss.error);
}

void Writer::batch(const core::Batch& batch) {
  xid(batch.client);
  instant(batch.granted_at);
  name(batch.client_name);
  number(static_cast<std::uint32_t>(batch.msgs.size()));
  const core::Xid* before = &batch.id;
  core::Instant accepted_before = batch.granted_at;
  for (const core::QueuedMsg& msg : batch.msgs) {
    held(msg, *before, accepted_before);
    before = &msg.msg.id;
    accepted_before = msg.accepted_at;
  }
}

Reader::Reader(std::string_view bucket, const core::Xid& id, std::string_view value,
               std::string_view other_key)
    : bucket_(bucket), id_(id), other_key_(other_key) {
  if (value.size() < kRecordHeader) broken("is shorter than its header");
  version_ = static_cast<std::uint8_t>(value[0]);
  if (version_ < kOldestRecordVersion || version_ > kRecordVersion) {
    broken("has version " + std::to_string(version_) + ", this program reads " +
           std::to_string(kOldestRecordVersion) + " to " + std::to_string(kRecordVersion));
  }
  std::uint32_t checksum = 0;
  std::memcpy(&checksum, value.data() + 1, sizeof checksum);
  rest_ = value.substr(kRecordHeader);
  if (checksum != checksum_of(version_, rest_)) broken("does not match its checksum");
}

std::uint64_t Reader::varint() {
  std::uint64_t value = 0;
  for (unsigned bits = 0;; bits += 7) {
    const auto byte = number<std::uint8_t>();
    if (bits > 0 && byte == 0) broken("has a number that is longer than it need be");
    if (bits == 63 && byte > 1) broken("has a number that is too large");
    value |= std::uint64_t{byte & 0x7FU} << bits;
    if (byte < 0x80) return value;
  }
}

core::Xid Reader::near(const core::Xid& from, bool whole) {
  if (whole) {
    const core::Xid id = xid();
    if (id.has_origin_of(from)) broken("tells an id at length whose origin it has");
    return id;
  }
  const std::uint64_t second = differing(from.seconds());
  if (second > UINT32_MAX) broken("has an id of no second");
  std::uint32_t counter = 0;
  for (int i = 0; i < 3; ++i) counter = counter << 8U | number<std::uint8_t>();
  return from.with(static_cast<std::uint32_t>(second), counter);
}

std::vector<core::Miss> Reader::misses() {
  std::vector<core::Miss> misses(count());
  for (core::Miss& miss : misses) {
    miss.batch = xid();
    miss.client = xid();
    miss.granted_at = instant();
    miss.missed_at = instant();
    miss.reason = reason();
    if (version_ > 1) miss.client_name = name();
    miss.error = text();
  }
  return misses;
}

core::Msg Reader::msg() {
  core::Msg msg;
  msg.id = xid();
  msg.period = count<std::uint32_t>();
  if (version_ > 1) {
    const unsigned has = flags(kHasQueue | kHasMaxResends | kHasKey);
    if (has != 0) extras(has, msg);
  }
  msg.payload = text();
  return msg;
}

core::QueuedMsg Reader::queued() {
  core::QueuedMsg queued;
  queued.msg = msg();
  times_and_misses(queued, second_of(queued.msg.id));
  return queued;
}

void Reader::times_and_misses(core::QueuedMsg& queued, core::Instant from) {
  queued.accepted_at = instant_since(from);
  queued.queued_at = instant_since(queued.accepted_at);
  if (version_ > 1) queued.attempts = count();
  queued.misses = misses();
  if (version_ == 1) queued.attempts = static_cast<std::uint16_t>(queued.misses.size());
}

core::QueuedMsg Reader::held(const core::Xid& before, core::Instant accepted_before) {
  if (!is_short()) return queued();
  core::QueuedMsg queued;
  const unsigned has = flags(kHasQueue | kHasMaxResends | kHasKey | kOtherOrigin);
  queued.msg.id = near(before, (has & kOtherOrigin) != 0);
  queued.msg.period = small<std::uint32_t>();
  extras(has, queued.msg);
  queued.msg.payload = text();
  times_and_misses(queued, accepted_before);
  return queued;
}

core::Batch Reader::batch(const core::Xid& id) {
  core::Batch batch{id, xid(), instant(), {}};
  if (version_ > 1) batch.client_name = name();
  const auto size = number<std::uint32_t>();
  // No reserve: a count is believed only as far as the bytes behind it go.
  core::Xid before = id;
  core::Instant accepted_before = batch.granted_at;
  for (std::uint32_t i = 0; i < size; ++i) {
    batch.msgs.push_back(held(before, accepted_before));
    before = batch.msgs.back().msg.id;
    accepted_before = batch.msgs.back().accepted_at;
  }
  return batch;
}

unsigned Reader::flags(unsigned known) {
  const unsigned flags = number<std::uint8_t>();
  if ((flags & ~known) != 0) broken("has flags that nobody knows: " + std::to_string(flags));
  return flags;
}

QueuedSlice Reader::slice() {
  const char* const begin = rest_.data();
  const core::Xid id = xid();
  const bool newer = version_ > 1;
  (void)count<std::uint32_t>();
  if (newer) {
    const unsigned has = flags(kHasQueue | kHasMaxResends | kHasKey);
    if ((has & kHasQueue) != 0) (void)next(sizeof(core::QueueNumber));
    if ((has & kHasMaxResends) != 0) (void)next(sizeof(std::uint16_t));
    if ((has & kHasKey) != 0) (void)name();
  }
  (void)text();
  (void)instant_since({});
  (void)instant_since({});
  if (newer) (void)count();
  constexpr std::size_t kMiss = 2 * core::Xid::kBytes + 2 * sizeof(std::int64_t) + 1;
  for (auto misses = count(); misses > 0; --misses) {
    (void)next(kMiss);
    if (newer) (void)name();
    (void)text();
  }
  return {id, {begin, static_cast<std::size_t>(rest_.data() - begin)}};
}

core::MissReason Reader::reason() {
  const auto reason = number<std::uint8_t>();
  if (reason < 1 || reason > 5) broken("has no such reason: " + std::to_string(reason));
  return static_cast<core::MissReason>(reason);
}

void Reader::broken(const std::string& how) const {
  throw StoreError("the record " + (other_key_.empty() ? id_.text() : std::string{other_key_}) +
                   " in the bucket " + std::string{bucket_} + " is corrupt: it " + how);
}

}  // namespace pena::store
