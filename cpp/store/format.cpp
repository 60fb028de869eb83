#include "store/format.hpp"

#include "store/record_bytes.hpp"

namespace pena::store {
namespace {

std::string_view name_of(Bucket bucket) {
  return word(bucket);
}

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

void read_report(core::ReportRecord& record, Reader& reader) {
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

void append(const core::QueuedMsg& msg, std::string& value) {
  if (value.empty()) value.assign(kRecordHeader, '\0');
  Writer writer(value);
  writer.queued(msg);
  writer.flush();
}

void append_slice(std::string_view slice, std::string& value) {
  if (value.empty()) value.assign(kRecordHeader, '\0');
  value.append(slice);
}

void encode(const core::QueuedMsg& msg, std::string& out) {
  ValueWriter writer(out);
  writer.queued(msg);
  writer.seal();
}

void encode(const core::Batch& batch, std::string& out) {
  ValueWriter writer(out);
  writer.xid(batch.client);
  writer.instant(batch.granted_at);
  writer.name(batch.client_name);
  writer.number(static_cast<std::uint32_t>(batch.msgs.size()));
  const core::Xid* before = &batch.id;
  core::Instant accepted_before = batch.granted_at;
  for (const core::QueuedMsg& msg : batch.msgs) {
    writer.held(msg, *before, accepted_before);
    before = &msg.msg.id;
    accepted_before = msg.accepted_at;
  }
  writer.seal();
}

void encode(const core::ReportFields& report, std::uint64_t order, std::string& out) {
  const unsigned flags = flags_of(report);
  ValueWriter writer(out);
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
  writer.seal();
}

void encode(const core::FailRecord& record, std::uint64_t order, std::string& out) {
  ValueWriter writer(out);
  writer.varint(order);
  writer.msg(record.msg);
  writer.since(record.accepted_at, second_of(record.msg.id));
  writer.since(record.failed_at, record.accepted_at);
  writer.varint(record.attempts);
  writer.misses(record.misses);
  writer.seal();
}

void decode_queued(const core::Xid& id, std::string_view value, std::vector<core::QueuedMsg>& out) {
  Reader(name_of(Bucket::queue), id, value)
      .queue(
          out, [](Reader& reader) { return reader.queued(); },
          [](const core::QueuedMsg& queued) -> const core::Xid& { return queued.msg.id; });
}

void slice_queued(const core::Xid& id, std::string_view value, std::vector<QueuedSlice>& out) {
  Reader(name_of(Bucket::queue), id, value)
      .queue(
          out, [](Reader& reader) { return reader.slice(); },
          [](const QueuedSlice& slice) -> const core::Xid& { return slice.id; });
}

std::string_view renewed_queued(const core::Xid& id, std::string_view value, std::string& buffer) {
  if (!value.empty() && static_cast<std::uint8_t>(value.front()) == kRecordVersion) return value;
  std::vector<core::QueuedMsg> msgs;
  decode_queued(id, value, msgs);
  std::string renewed;  // `value` may lie in `buffer`
  for (const core::QueuedMsg& msg : msgs) append(msg, renewed);
  seal(renewed);
  buffer = std::move(renewed);
  return buffer;
}

core::QueuedMsg decode_later(const core::Xid& id, std::string_view value) {
  Reader reader(name_of(Bucket::later), id, value);
  core::QueuedMsg queued = reader.queued();
  reader.same_id(queued.msg.id);
  reader.end();
  return queued;
}

core::Batch decode_batch(const core::Xid& id, std::string_view value) {
  Reader reader(name_of(Bucket::batch), id, value);
  core::Batch batch{id, reader.xid(), reader.instant(), {}};
  if (reader.version() > 1) batch.client_name = reader.name();
  const auto count = reader.number<std::uint32_t>();
  // No reserve: a count is believed only as far as the bytes behind it go.
  core::Xid before = id;
  core::Instant accepted_before = batch.granted_at;
  for (std::uint32_t i = 0; i < count; ++i) {
    batch.msgs.push_back(reader.held(before, accepted_before));
    before = batch.msgs.back().msg.id;
    accepted_before = batch.msgs.back().accepted_at;
  }
  reader.end();
  return batch;
}

std::size_t batch_size(const core::Xid& id, std::string_view value) {
  Reader reader(name_of(Bucket::batch), id, value);
  (void)reader.xid();
  (void)reader.instant();
  if (reader.version() > 1) (void)reader.name();
  return reader.number<std::uint32_t>();
}

core::ReportRecord decode_report(const core::Xid& id, std::string_view value) {
  Reader reader(name_of(Bucket::report), id, value);
  core::ReportRecord record;
  record.id = id;
  if (reader.is_short()) {
    read_report(record, reader);
  } else {
    read_older_report(record, reader);
  }
  reader.end();
  return record;
}

core::FailRecord decode_fail(const core::Xid& id, std::string_view value) {
  Reader reader(name_of(Bucket::fail), id, value);
  const bool newer = reader.version() > 1;
  core::FailRecord record;
  if (newer) record.order = reader.count<std::uint64_t>();
  record.msg = reader.msg();
  reader.same_id(record.msg.id);
  record.accepted_at = reader.instant_since(second_of(record.msg.id));
  record.failed_at = reader.instant_since(record.accepted_at);
  if (newer) record.attempts = reader.count();
  record.misses = reader.misses();
  if (!newer) record.attempts = static_cast<std::uint16_t>(record.misses.size());
  reader.end();
  return record;
}

}  // namespace pena::store
