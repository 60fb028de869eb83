// The records that say where something is: places, keys, queues, and the order of settling.
#include "store/format.hpp"
#include "store/record_bytes.hpp"

namespace pena::store {
namespace {

// All whole ids that are left. None is no copy: neither side need have an address then.
void append_ids(Reader& reader, std::vector<core::Xid>& out) {
  const std::size_t before = out.size();
  out.resize(before + reader.left() / core::Xid::kBytes);
  const std::size_t bytes = (out.size() - before) * core::Xid::kBytes;
  if (bytes > 0) std::memcpy(out.data() + before, reader.bytes(bytes).data(), bytes);
}

}  // namespace

void encode(const Place& place, std::string& out) {
  ValueWriter writer(out);
  writer.number(place.queue);
  if (place.due_at) writer.instant(*place.due_at);
  writer.seal();
}

Place decode_place(const core::Xid& id, std::string_view value) {
  Reader reader("place", id, value);
  Place place{reader.number<core::QueueNumber>()};
  if (!reader.at_end()) place.due_at = reader.instant();
  reader.end();
  return place;
}

void encode_key(const core::Xid& id, std::string& out) {
  ValueWriter writer(out);
  writer.xid(id);
  writer.seal();
}

core::Xid decode_key(std::string_view key, std::string_view value) {
  Reader reader("key", {}, value, key);
  const core::Xid id = reader.xid();
  reader.end();
  return id;
}

void encode(const QueueInfo& info, std::string& out) {
  ValueWriter writer(out);
  writer.number(static_cast<std::uint8_t>(info.paused ? 1 : 0));
  const std::uint64_t reported = says_reported(info.number) ? info.reported : 0;
  for (const std::uint64_t count : {info.queued, info.later, reported, info.failed}) {
    writer.number(count);
  }
  writer.name(info.name);
  writer.seal();
}

QueueInfo decode_queue_info(core::QueueNumber number, std::string_view value) {
  const std::string key = std::to_string(number);
  Reader reader("queue_info", {}, value, key);
  QueueInfo info;
  info.number = number;
  const auto paused = reader.number<std::uint8_t>();
  if (paused > 1) reader.broken("says neither that it is paused nor that it is not");
  info.paused = paused == 1;
  for (std::uint64_t* count : {&info.queued, &info.later, &info.reported, &info.failed}) {
    *count = reader.number<std::uint64_t>();
  }
  info.name = reader.name();
  reader.end();
  return info;
}

void encode_settled(std::span<const core::Xid> ids, std::string& out) {
  ValueWriter writer(out);
  writer.bytes({reinterpret_cast<const char*>(ids.data()), ids.size_bytes()});
  writer.seal();
}

void decode_settled(std::string_view bucket, std::uint64_t order, std::string_view value,
                    std::vector<core::Xid>& out) {
  const std::string key = std::to_string(order);
  Reader reader(bucket, {}, value, key);
  if (reader.at_end()) reader.broken("names no msg");
  append_ids(reader, out);
  reader.end();
}

void encode(const SettledTail& tail, std::string& out) {
  ValueWriter writer(out);
  writer.varint(tail.first);
  writer.bytes({reinterpret_cast<const char*>(tail.ids.data()), std::span{tail.ids}.size_bytes()});
  writer.seal();
}

SettledTail decode_tail(std::string_view bucket, std::string_view value) {
  Reader reader(bucket, {}, value, "tail");
  SettledTail tail{reader.varint(), {}};
  append_ids(reader, tail.ids);
  reader.end();
  return tail;
}

}  // namespace pena::store
