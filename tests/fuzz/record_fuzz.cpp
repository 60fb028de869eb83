// A record of the store: bytes that no Pena has written are an error with a sentence, and what is
// decoded encodes to the same bytes. The first byte of the input chooses the kind of record.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>
#include <string>
#include <vector>

#include "property.hpp"
#include "store/format.hpp"
#include "store/store.hpp"

namespace {

using pena::core::Xid;

std::string encoded(const std::vector<pena::core::QueuedMsg>& msgs) {
  std::string out;
  for (const auto& msg : msgs) pena::store::append(msg, out);
  pena::store::seal(out);
  return out;
}
std::string encoded(const std::vector<Xid>& ids) {
  std::string out;
  pena::store::encode_settled(ids, out);
  return out;
}
template <class Record>
std::string encoded(const Record& record) {
  std::string out;
  if constexpr (requires { record.order; }) {
    pena::store::encode(record, record.order, out);
  } else {
    pena::store::encode(record, out);
  }
  return out;
}

std::vector<pena::core::QueuedMsg> decode_queued(const Xid& id, std::string_view value) {
  std::vector<pena::core::QueuedMsg> msgs;
  pena::store::decode_queued(id, value, msgs);
  return msgs;
}

// Others are encoded anew in the newer version.
bool is_current(std::string_view value) {
  return static_cast<std::uint8_t>(value.front()) == pena::store::kRecordVersion;
}

// What is decoded can be sliced, too, and the slices are what it was.
void slices_are_the_value(std::string_view value) {
  std::vector<pena::core::QueuedMsg> msgs;
  try {
    msgs = decode_queued(Xid{}, value);
  } catch (const pena::store::StoreError&) {
    return;
  }
  std::vector<pena::store::QueuedSlice> slices;
  pena::store::slice_queued(Xid{}, value, slices);
  PENA_PROPERTY(slices.size() == msgs.size());
  std::string again;
  for (std::size_t i = 0; i < slices.size(); ++i) {
    PENA_PROPERTY(slices[i].id == msgs[i].msg.id);
    pena::store::append_slice(slices[i].bytes, again);
  }
  if (!is_current(value)) return;
  pena::store::seal(again);
  PENA_PROPERTY(again == value);
}

template <class Decode>
void round_trip(std::string_view value, Decode decode) {
  try {
    const auto record = decode(Xid{}, value);
    const std::string again = encoded(record);
    if (is_current(value)) PENA_PROPERTY(again == value);
    PENA_PROPERTY(decode(Xid{}, again) == record);
  } catch (const pena::store::StoreError& error) {
    PENA_PROPERTY(*error.what() != '\0');
  }
}

std::vector<Xid> decode_settled(const Xid& /*id*/, std::string_view value) {
  std::vector<Xid> ids;
  pena::store::decode_settled("reported", 1, value, ids);
  return ids;
}
pena::store::SettledTail decode_tail(const Xid& /*id*/, std::string_view value) {
  return pena::store::decode_tail("reported", value);
}

void decode(unsigned kind, std::string_view value) {
  switch (kind % 6) {
    case 0:
      slices_are_the_value(value);
      return round_trip(value, decode_queued);
    case 1:
      return round_trip(value, pena::store::decode_batch);
    case 2:
      return round_trip(value, pena::store::decode_report);
    case 3:
      return round_trip(value, pena::store::decode_fail);
    case 4:
      return round_trip(value, decode_settled);
    default:
      return round_trip(value, decode_tail);
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view body = text_of(data + 1, size - 1);
  decode(data[0], body);
  // No fuzzer guesses a checksum: once more with the right one in front, as each program wrote it.
  for (auto version = pena::store::kOldestRecordVersion; version <= pena::store::kRecordVersion;
       ++version) {
    const auto sum =
        static_cast<std::uint32_t>(XXH3_64bits_withSeed(body.data(), body.size(), version));
    std::string value(5, static_cast<char>(version));
    std::memcpy(value.data() + 1, &sum, sizeof sum);
    value += body;
    decode(data[0], value);
  }
  return 0;
}
