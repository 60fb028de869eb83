#include "store/report_bytes.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>

namespace pena::store {
namespace {

// As the hash of no payload is.
bool is_nothing(const core::PayloadHash& hash) {
  const auto words = std::bit_cast<std::array<std::uint64_t, 2>>(hash);
  return (words[0] | words[1]) == 0;
}

unsigned flags_of(const core::ReportFields& record) {
  // Zeros that are written say that it is not known.
  const bool has_hash = !record.payload_hash || !is_nothing(*record.payload_hash);
  return extras_of(record) | (record.client_name.empty() ? 0U : kHasClientName) |
         (has_hash ? kHasPayloadHash : 0U) | (record.result.empty() ? 0U : kHasResult) |
         (record.batch.has_origin_of(record.id) ? 0U : kOtherBatch) |
         (record.client.has_origin_of(record.batch) ? 0U : kOtherClient);
}

void write_extras_of(unsigned flags, const core::ReportFields& record, Writer& writer) {
  writer.extras(flags, record);
  if ((flags & kHasClientName) != 0) writer.name(record.client_name);
  if ((flags & kHasPayloadHash) != 0) {
    const core::PayloadHash hash = record.payload_hash.value_or(core::PayloadHash{});
    writer.bytes({reinterpret_cast<const char*>(hash.data()), hash.size()});
  }
  if ((flags & kHasResult) != 0) writer.text(record.result);
}

// Of a report among others, in place of those of its batch.
constexpr unsigned kOfOne = kHasQueue | kHasMaxResends | kHasKey | kHasPayloadHash | kHasResult;

constexpr unsigned kFlagsOfVersion2 =
    kHasQueue | kHasMaxResends | kHasKey | kHasClientName | kHasPayloadHash | kHasResult;

void read_extras_of(unsigned flags, core::ReportRecord& record, Reader& reader) {
  reader.extras(flags, record);
  if ((flags & kHasClientName) != 0) record.client_name = reader.name();
  if ((flags & kHasPayloadHash) != 0) {
    core::PayloadHash hash{};
    std::memcpy(hash.data(), reader.bytes(hash.size()).data(), hash.size());
    record.payload_hash = hash == core::PayloadHash{} ? std::nullopt : std::optional{hash};
  }
  if ((flags & kHasResult) != 0) record.result = reader.text();
  reader.told(flags, kHasClientName, !record.client_name.empty());
  reader.told(flags, kHasPayloadHash, record.payload_hash != core::PayloadHash{});
  reader.told(flags, kHasResult, !record.result.empty());
}

// Of versions 1 and 2.
void read_older_report(core::ReportRecord& record, Reader& reader) {
  const bool newer = reader.version() > 1;
  if (newer) record.order = reader.number<std::uint64_t>();
  record.period = reader.number<std::uint32_t>();
  record.batch = reader.xid();
  record.client = reader.xid();
  record.accepted_at = reader.instant();
  record.granted_at = reader.instant();
  record.reported_at = reader.instant();
  if (newer) record.attempts = reader.count();
  record.misses = reader.misses();
  if (newer) {
    read_extras_of(reader.flags(kFlagsOfVersion2), record, reader);
  } else {
    record.attempts = static_cast<std::uint16_t>(record.misses.size() + 1);
    record.payload_hash.reset();
  }
}

void read_short_report(core::ReportRecord& record, Reader& reader) {
  const unsigned flags = reader.flags(kFlagsOfVersion2 | kOtherBatch | kOtherClient);
  record.order = reader.varint();
  record.period = reader.small<std::uint32_t>();
  record.batch = reader.near(record.id, (flags & kOtherBatch) != 0);
  record.client = reader.near(record.batch, (flags & kOtherClient) != 0);
  record.accepted_at = reader.since(second_of(record.id));
  record.granted_at = reader.since(record.accepted_at);
  record.reported_at = reader.since(record.granted_at);
  record.attempts = reader.count();
  record.misses = reader.misses();
  read_extras_of(flags, record, reader);
}

}  // namespace

SharedOfReports shared_of(const core::ReportFields& report) {
  return {report.batch, report.client, report.granted_at, report.reported_at, report.client_name};
}

void write_report(const core::ReportFields& report, std::uint64_t order, Writer& writer) {
  const unsigned flags = flags_of(report);
  writer.number(static_cast<std::uint8_t>(flags));
  writer.varint(order);
  writer.varint(report.period);
  writer.near(report.batch, report.id);
  writer.near(report.client, report.batch);
  writer.since(report.accepted_at, second_of(report.id));
  writer.since(report.granted_at, report.accepted_at);
  writer.since(report.reported_at, report.granted_at);
  writer.varint(report.attempts);
  writer.misses(report.misses);
  write_extras_of(flags, report, writer);
}

void read_report(core::ReportRecord& record, Reader& reader) {
  if (reader.is_short()) {
    read_short_report(record, reader);
  } else {
    read_older_report(record, reader);
  }
}

void write_shared(const SharedOfReports& shared, Writer& writer) {
  writer.xid(shared.client);
  writer.since(shared.granted_at, second_of(shared.batch));
  writer.since(shared.reported_at, shared.granted_at);
  writer.name(shared.client_name);
}

SharedOfReports read_shared(const core::Xid& batch, Reader& reader) {
  SharedOfReports shared;
  shared.batch = batch;
  shared.client = reader.xid();
  shared.granted_at = reader.since(second_of(batch));
  shared.reported_at = reader.since(shared.granted_at);
  shared.client_name = reader.name();
  return shared;
}

void write_one_of(const core::ReportFields& report, const core::Xid& before,
                  core::Instant accepted_before, Writer& writer) {
  const unsigned flags =
      (flags_of(report) & kOfOne) | (report.id.has_origin_of(before) ? 0U : kOtherOrigin);
  writer.number(static_cast<std::uint8_t>(flags));
  writer.near(report.id, before);
  writer.varint(report.period);
  writer.since(report.accepted_at, accepted_before);
  writer.varint(report.attempts);
  writer.misses(report.misses);
  write_extras_of(flags, report, writer);
}

core::ReportRecord read_one_of(const SharedOfReports& shared, const core::Xid& before,
                               core::Instant accepted_before, Reader& reader) {
  core::ReportRecord record;
  const unsigned flags = reader.flags(kOfOne | kOtherOrigin);
  record.id = reader.near(before, (flags & kOtherOrigin) != 0);
  record.period = reader.small<std::uint32_t>();
  record.batch = shared.batch;
  record.client = shared.client;
  record.granted_at = shared.granted_at;
  record.reported_at = shared.reported_at;
  record.accepted_at = reader.since(accepted_before);
  record.attempts = reader.count();
  record.misses = reader.misses();
  read_extras_of(flags & kOfOne, record, reader);
  record.client_name = shared.client_name;
  return record;
}

}  // namespace pena::store
