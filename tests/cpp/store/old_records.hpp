// Records of versions 1 and 2, which no program writes any more.
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

inline std::string sealed(const std::string& body, std::uint8_t version) {
  const auto checksum =
      static_cast<std::uint32_t>(XXH3_64bits_withSeed(body.data(), body.size(), version));
  std::string value(5, static_cast<char>(version));
  std::memcpy(value.data() + 1, &checksum, sizeof checksum);
  return value + body;
}
// Of a body in hexadecimal digits.
inline std::string sealed_of(std::string_view digits, std::uint8_t version) {
  std::string body;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    body += static_cast<char>(std::stoi(std::string{digits.substr(i, 2)}, nullptr, 16));
  }
  return sealed(body, version);
}
inline std::string sealed_1(std::string_view digits) {
  return sealed_of(digits, 1);
}

class Body {
 public:
  explicit Body(std::uint8_t version) : version_(version) {}

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
  Body& name(std::string_view name) {
    number(static_cast<std::uint8_t>(name.size()));
    bytes_.append(name);
    return *this;
  }
  Body& misses(std::uint16_t attempts, const std::vector<core::Miss>& misses) {
    if (version_ > 1) number(attempts);
    number(static_cast<std::uint16_t>(misses.size()));
    for (const core::Miss& miss : misses) {
      xid(miss.batch).xid(miss.client).at(miss.granted_at).at(miss.missed_at);
      number(static_cast<std::uint8_t>(miss.reason));
      if (version_ > 1) name(miss.client_name);
      text(miss.error);
    }
    return *this;
  }
  // `more`: flags of what follows the extras.
  template <class Record>
  Body& extras(const Record& record, unsigned more = 0) {
    if (version_ == 1) return *this;
    const unsigned flags = (record.queue != core::kDefaultQueue ? 1U : 0U) |
                           (record.max_resends ? 2U : 0U) | (record.key.empty() ? 0U : 4U);
    number(static_cast<std::uint8_t>(flags | more));
    if (record.queue != core::kDefaultQueue) number(record.queue);
    if (record.max_resends) number(*record.max_resends);
    if (!record.key.empty()) name(record.key);
    return *this;
  }
  Body& msg(const core::Msg& msg) {
    return xid(msg.id).number(msg.period).extras(msg).text(msg.payload);
  }
  Body& queued(const core::QueuedMsg& queued) {
    msg(queued.msg).at(queued.accepted_at).at(queued.queued_at);
    return misses(queued.attempts, queued.misses);
  }
  Body& order(std::uint64_t order) { return version_ > 1 ? number(order) : *this; }
  Body& more_of_report(const core::ReportRecord& record) {
    if (version_ == 1) return *this;
    const bool hash = record.payload_hash != core::PayloadHash{};
    extras(record, (record.client_name.empty() ? 0U : 8U) | (hash ? 16U : 0U) |
                       (record.result.empty() ? 0U : 32U));
    if (!record.client_name.empty()) name(record.client_name);
    if (hash) {
      for (const auto byte : record.payload_hash.value_or(core::PayloadHash{})) number(byte);
    }
    if (!record.result.empty()) text(record.result);
    return *this;
  }
  [[nodiscard]] std::string value() const { return sealed(bytes_, version_); }
  [[nodiscard]] std::uint8_t version() const { return version_; }

 private:
  std::uint8_t version_;
  std::string bytes_;
};

inline std::string queue(const std::vector<core::QueuedMsg>& msgs, std::uint8_t version = 1) {
  Body body(version);
  for (const core::QueuedMsg& msg : msgs) body.queued(msg);
  return body.value();
}
inline std::string batch(const core::Batch& batch, std::uint8_t version = 1) {
  Body body(version);
  body.xid(batch.client).at(batch.granted_at);
  if (version > 1) body.name(batch.client_name);
  body.number(static_cast<std::uint32_t>(batch.msgs.size()));
  for (const core::QueuedMsg& msg : batch.msgs) body.queued(msg);
  return body.value();
}
inline std::string report(const core::ReportRecord& record, std::uint8_t version = 1) {
  Body body(version);
  body.order(record.order).number(record.period).xid(record.batch).xid(record.client);
  body.at(record.accepted_at).at(record.granted_at).at(record.reported_at);
  return body.misses(record.attempts, record.misses).more_of_report(record).value();
}
inline std::string fail(const core::FailRecord& record, std::uint8_t version = 1) {
  Body body(version);
  body.order(record.order).msg(record.msg).at(record.accepted_at).at(record.failed_at);
  return body.misses(record.attempts, record.misses).value();
}

}  // namespace pena::store::test::old
