// Values of the store as the format makes and reads them, for its tests.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/format.hpp"

namespace pena::store::test {

template <class Record>
std::string encoded(const Record& record) {
  std::string out = "what was there before";
  if constexpr (requires { record.order; }) {
    encode(record, record.order, out);
  } else {
    encode(record, out);
  }
  return out;
}

inline std::string encoded(const std::vector<core::QueuedMsg>& msgs) {
  std::string out;
  for (const core::QueuedMsg& msg : msgs) append(msg, out);
  seal(out);
  return out;
}
inline std::string encoded(const core::QueuedMsg& msg) {
  return encoded(std::vector{msg});
}

inline std::vector<core::QueuedMsg> decoded(const core::Xid& id, std::string_view value) {
  std::vector<core::QueuedMsg> msgs;
  decode_queued(id, value, msgs);
  return msgs;
}
inline std::vector<QueuedSlice> sliced(const core::Xid& id, std::string_view value) {
  std::vector<QueuedSlice> slices;
  slice_queued(id, value, slices);
  return slices;
}

inline std::string hex(const std::string& bytes) {
  std::string out;
  for (const char letter : bytes) {
    const auto byte = static_cast<unsigned char>(letter);
    out += "0123456789abcdef"[byte >> 4U];
    out += "0123456789abcdef"[byte & 15U];
  }
  return out;
}

inline constexpr std::size_t kHeader = 10;  // hex digits of version and checksum

}  // namespace pena::store::test
