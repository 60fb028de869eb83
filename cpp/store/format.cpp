#include "store/format.hpp"

#include "store/record_bytes.hpp"
#include "store/report_bytes.hpp"

namespace pena::store {
namespace {

std::string_view name_of(Bucket bucket) {
  return word(bucket);
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
  writer.batch(batch);
  writer.seal();
}

void encode(const core::ReportFields& report, std::uint64_t order, std::string& out) {
  ValueWriter writer(out);
  write_report(report, order, writer);
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
  core::Batch batch = reader.batch(id);
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
  read_report(record, reader);
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
