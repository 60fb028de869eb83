// What a report's record says, where it stands: in the batch that held the msg, or in a record.
//
// Of each msg that is processed one is written. A record of its own would be the largest thing that is
// made on the way, and taken apart at the end of it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/content.hpp"
#include "core/msg.hpp"

namespace pena::core {

// Good as long as what it was made of.
struct ReportFields {
  const Xid& id;
  std::uint32_t period;
  const Xid& batch;
  const Xid& client;
  Instant accepted_at;
  Instant granted_at;
  Instant reported_at;
  const std::vector<Miss>& misses;
  std::uint16_t attempts;
  QueueNumber queue;
  std::optional<std::uint16_t> max_resends;
  const SharedText& key;
  const SharedText& client_name;
  std::optional<PayloadHash> payload_hash;
  const SharedText& result;
};

[[nodiscard]] inline ReportFields fields_of(const ReportRecord& record) {
  return {record.id,          record.period,       record.batch,       record.client,
          record.accepted_at, record.granted_at,   record.reported_at, record.misses,
          record.attempts,    record.queue,        record.max_resends, record.key,
          record.client_name, record.payload_hash, record.result};
}

// Of a msg that this batch held.
[[nodiscard]] inline ReportFields fields_of(const Batch& batch, const QueuedMsg& msg,
                                            Instant reported_at, const SharedText& result) {
  const Msg& what = msg.msg;
  return {what.id,
          what.period,
          batch.id,
          batch.client,
          msg.accepted_at,
          batch.granted_at,
          reported_at,
          msg.misses,
          static_cast<std::uint16_t>(msg.attempt()),
          what.queue,
          what.max_resends,
          what.key,
          batch.client_name,
          what.payload.empty() ? PayloadHash{} : hash_of(what.payload),
          result};
}

// Without a place in the order.
[[nodiscard]] inline ReportRecord record_of(const ReportFields& fields) {
  return {fields.id,          fields.period,       fields.batch,       fields.client,
          fields.accepted_at, fields.granted_at,   fields.reported_at, fields.misses,
          fields.attempts,    fields.queue,        fields.max_resends, fields.key,
          fields.client_name, fields.payload_hash, fields.result};
}

}  // namespace pena::core
