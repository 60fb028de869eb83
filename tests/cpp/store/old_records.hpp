// Records of version 1, which no program writes any more.
#pragma once

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "core/msg.hpp"

namespace pena::store::test::old {

inline std::string sealed(const std::string& body) {
  const auto checksum =
      static_cast<std::uint32_t>(XXH3_64bits_withSeed(body.data(), body.size(), 1));
  std::string value(5, '\1');
  std::memcpy(value.data() + 1, &checksum, sizeof checksum);
  return value + body;
}
// Of a body in hexadecimal digits.
inline std::string sealed_1(std::string_view digits) {
  std::string body;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    body += static_cast<char>(std::stoi(std::string{digits.substr(i, 2)}, nullptr, 16));
  }
  return sealed(body);
}

class Body {
 public:
  template <class Number>
  Body& number(Number value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Body& at(core::Instant at) { return number<std::int64_t>(core::to_us(at)); }
  Body& xid(const core::Xid& id) {
    bytes_.append(reinterpret_cast<const char*>(id.bytes().data()), core::Xid::kBytes);
    return *this;
  }
  Body& text(std::string_view text) {
    number(static_cast<std::uint32_t>(text.size()));
    bytes_.append(text);
    return *this;
  }
  Body& misses(const std::vector<core::Miss>& misses) {
    number(static_cast<std::uint16_t>(misses.size()));
    for (const core::Miss& miss : misses) {
      xid(miss.batch).xid(miss.client).at(miss.granted_at).at(miss.missed_at);
      number(static_cast<std::uint8_t>(miss.reason)).text(miss.error);
    }
    return *this;
  }
  Body& msg(const core::Msg& msg) { return xid(msg.id).number(msg.period).text(msg.payload); }
  Body& queued(const core::QueuedMsg& queued) {
    return msg(queued.msg).at(queued.accepted_at).at(queued.queued_at).misses(queued.misses);
  }
  [[nodiscard]] std::string value() const { return sealed(bytes_); }

 private:
  std::string bytes_;
};

inline std::string queue(const std::vector<core::QueuedMsg>& msgs) {
  Body body;
  for (const core::QueuedMsg& msg : msgs) body.queued(msg);
  return body.value();
}
inline std::string batch(const core::Batch& batch) {
  Body body;
  body.xid(batch.client).at(batch.granted_at);
  body.number(static_cast<std::uint32_t>(batch.msgs.size()));
  for (const core::QueuedMsg& msg : batch.msgs) body.queued(msg);
  return body.value();
}
inline std::string report(const core::ReportRecord& record) {
  Body body;
  body.number(record.period).xid(record.batch).xid(record.client).at(record.accepted_at);
  body.at(record.granted_at).at(record.reported_at).misses(record.misses);
  return body.value();
}
inline std::string fail(const core::FailRecord& record) {
  Body body;
  body.msg(record.msg).at(record.accepted_at).at(record.failed_at).misses(record.misses);
  return body.value();
}

}  // namespace pena::store::test::old
