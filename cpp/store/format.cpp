// Two rules hold the grammar of format.hpp together.
//
//   Whole or not at all   a value is read only behind its version and its checksum, so what is decoded
//                         was encoded by somebody. Lengths and counts are compared with what is left all
//                         the same: a bug, or a program that is newer, must not read behind the end.
//   Named twice           a record says its own id where it has room for it, and that is compared with
//                         its key. The checksum alone would not notice a value under another's key.
//
// The checksum is seeded with the version: a value whose version was changed by damage does not pass for
// one of that version.
#include "store/format.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <bit>
#include <cstring>
#include <type_traits>

#include "store/error.hpp"
#include "store/records.hpp"

namespace pena::store {
namespace {

static_assert(std::endian::native == std::endian::little,
              "numbers are copied as they lie in memory");

constexpr std::size_t kRecordHeader = 5;  // version and checksum

std::uint32_t checksum_of(std::uint8_t version, std::string_view body) {
  return static_cast<std::uint32_t>(XXH3_64bits_withSeed(body.data(), body.size(), version));
}

// Writes behind what `out` has.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  template <class Number>
  void number(Number value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    out_.append(bytes, sizeof value);
  }
  void instant(core::Instant at) { number<std::int64_t>(core::to_us(at)); }
  void xid(const core::Xid& id) {
    out_.append(reinterpret_cast<const char*>(id.bytes().data()), core::Xid::kBytes);
  }
  void text(std::string_view text) {
    number(static_cast<std::uint32_t>(text.size()));
    out_.append(text);
  }
  void misses(const std::vector<core::Miss>& misses) {
    number(static_cast<std::uint16_t>(misses.size()));
    for (const core::Miss& miss : misses) {
      xid(miss.batch);
      xid(miss.client);
      instant(miss.granted_at);
      instant(miss.missed_at);
      number(static_cast<std::uint8_t>(miss.reason));
      text(miss.error);
    }
  }
  void msg(const core::Msg& msg) {
    xid(msg.id);
    number(msg.period);
    text(msg.payload);
  }
  void queued(const core::QueuedMsg& queued) {
    msg(queued.msg);
    instant(queued.accepted_at);
    instant(queued.queued_at);
    misses(queued.misses);
  }

 private:
  std::string& out_;
};

// Replaces `out` by a value, sealed at the end.
class ValueWriter : public Writer {
 public:
  explicit ValueWriter(std::string& out) : Writer(out), value_(out) {
    value_.assign(kRecordHeader, '\0');
  }
  ~ValueWriter() { seal(value_); }
  ValueWriter(const ValueWriter&) = delete;
  ValueWriter& operator=(const ValueWriter&) = delete;

 private:
  std::string& value_;
};

// Never reads behind the end; the first thing that does not fit throws.
class Reader {
 public:
  Reader(Bucket bucket, const core::Xid& id, std::string_view value) : bucket_(bucket), id_(id) {
    if (value.size() < kRecordHeader) broken("is shorter than its header");
    const auto version = static_cast<std::uint8_t>(value[0]);
    if (version != kRecordVersion) {
      broken("has version " + std::to_string(version) + ", this program reads " +
             std::to_string(kRecordVersion));
    }
    std::uint32_t checksum = 0;
    std::memcpy(&checksum, value.data() + 1, sizeof checksum);
    rest_ = value.substr(kRecordHeader);
    if (checksum != checksum_of(version, rest_)) broken("does not match its checksum");
  }

  template <class Number>
  Number number() {
    Number value{};
    const std::string_view bytes = next(sizeof value);
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
  core::Instant instant() { return core::from_us(number<std::int64_t>()); }
  core::Xid xid() {
    core::Xid::Bytes bytes{};
    std::memcpy(bytes.data(), next(bytes.size()).data(), bytes.size());
    return core::Xid{bytes};
  }
  std::string text() { return std::string{next(number<std::uint32_t>())}; }
  std::vector<core::Miss> misses() {
    std::vector<core::Miss> misses(number<std::uint16_t>());
    for (core::Miss& miss : misses) {
      miss.batch = xid();
      miss.client = xid();
      miss.granted_at = instant();
      miss.missed_at = instant();
      miss.reason = reason();
      miss.error = text();
    }
    return misses;
  }
  core::Msg msg() {
    core::Msg msg;
    msg.id = xid();
    msg.period = number<std::uint32_t>();
    msg.payload = text();
    return msg;
  }
  core::QueuedMsg queued() {
    core::QueuedMsg queued;
    queued.msg = msg();
    queued.accepted_at = instant();
    queued.queued_at = instant();
    queued.misses = misses();
    return queued;
  }
  // A msg of a queue, passed over.
  QueuedSlice slice() {
    const char* const begin = rest_.data();
    const core::Xid id = xid();
    (void)next(sizeof(std::uint32_t));
    (void)next(number<std::uint32_t>());
    (void)next(2 * sizeof(std::int64_t));
    constexpr std::size_t kMiss = 2 * core::Xid::kBytes + 2 * sizeof(std::int64_t) + 1;
    for (auto misses = number<std::uint16_t>(); misses > 0; --misses) {
      (void)next(kMiss);
      (void)next(number<std::uint32_t>());
    }
    return {id, {begin, static_cast<std::size_t>(rest_.data() - begin)}};
  }
  // Appends the msgs of a queue to `out`: `read` gives one, `id_in` finds its id.
  template <class Element, class Read, class IdIn>
  void queue(std::vector<Element>& out, Read read, IdIn id_in) {
    out.push_back(read(*this));
    core::Xid last = id_in(out.back());
    same_id(last);
    while (!rest_.empty()) {
      out.push_back(read(*this));
      const core::Xid& id = id_in(out.back());
      if (id <= last) broken("is out of order");
      last = id;
    }
  }
  void same_id(const core::Xid& inside) {
    if (inside != id_) broken("names another msg, " + inside.text());
  }
  void end() {
    if (!rest_.empty()) broken("goes on behind its end");
  }

 private:
  core::MissReason reason() {
    const auto reason = number<std::uint8_t>();
    if (reason < 1 || reason > 5) broken("has no such reason: " + std::to_string(reason));
    return static_cast<core::MissReason>(reason);
  }
  std::string_view next(std::size_t size) {
    if (size > rest_.size()) broken("ends too early");
    const std::string_view first = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return first;
  }
  [[noreturn]] void broken(const std::string& how) const {
    throw StoreError("the record " + id_.text() + " in the bucket " + std::string{word(bucket_)} +
                     " is corrupt: it " + how);
  }

  Bucket bucket_;
  core::Xid id_;
  std::string_view rest_;
};

}  // namespace

void append(const core::QueuedMsg& msg, std::string& value) {
  if (value.empty()) value.assign(kRecordHeader, '\0');
  Writer{value}.queued(msg);
}

void append_slice(std::string_view slice, std::string& value) {
  if (value.empty()) value.assign(kRecordHeader, '\0');
  value.append(slice);
}

void seal(std::string& value) {
  if (value.size() < kRecordHeader)
    throw StoreError("a bug: a record without its header is to be sealed");
  const std::string_view body = std::string_view{value}.substr(kRecordHeader);
  const std::uint32_t checksum = checksum_of(kRecordVersion, body);
  value[0] = static_cast<char>(kRecordVersion);
  std::memcpy(value.data() + 1, &checksum, sizeof checksum);
}

void encode(const core::Batch& batch, std::string& out) {
  ValueWriter writer(out);
  writer.xid(batch.client);
  writer.instant(batch.granted_at);
  writer.number(static_cast<std::uint32_t>(batch.msgs.size()));
  for (const core::QueuedMsg& msg : batch.msgs) writer.queued(msg);
}

void encode(const core::ReportRecord& record, std::string& out) {
  ValueWriter writer(out);
  writer.number(record.period);
  writer.xid(record.batch);
  writer.xid(record.client);
  writer.instant(record.accepted_at);
  writer.instant(record.granted_at);
  writer.instant(record.reported_at);
  writer.misses(record.misses);
}

void encode(const core::FailRecord& record, std::string& out) {
  ValueWriter writer(out);
  writer.msg(record.msg);
  writer.instant(record.accepted_at);
  writer.instant(record.failed_at);
  writer.misses(record.misses);
}

void decode_queued(const core::Xid& id, std::string_view value, std::vector<core::QueuedMsg>& out) {
  Reader(Bucket::queue, id, value)
      .queue(
          out, [](Reader& reader) { return reader.queued(); },
          [](const core::QueuedMsg& queued) -> const core::Xid& { return queued.msg.id; });
}

void slice_queued(const core::Xid& id, std::string_view value, std::vector<QueuedSlice>& out) {
  Reader(Bucket::queue, id, value)
      .queue(
          out, [](Reader& reader) { return reader.slice(); },
          [](const QueuedSlice& slice) -> const core::Xid& { return slice.id; });
}

core::Batch decode_batch(const core::Xid& id, std::string_view value) {
  Reader reader(Bucket::batch, id, value);
  core::Batch batch{id, reader.xid(), reader.instant(), {}};
  const auto count = reader.number<std::uint32_t>();
  // No reserve: a count is believed only as far as the bytes behind it go.
  for (std::uint32_t i = 0; i < count; ++i) batch.msgs.push_back(reader.queued());
  reader.end();
  return batch;
}

std::size_t batch_size(const core::Xid& id, std::string_view value) {
  Reader reader(Bucket::batch, id, value);
  (void)reader.xid();
  (void)reader.instant();
  return reader.number<std::uint32_t>();
}

core::ReportRecord decode_report(const core::Xid& id, std::string_view value) {
  Reader reader(Bucket::report, id, value);
  core::ReportRecord record;
  record.id = id;
  record.period = reader.number<std::uint32_t>();
  record.batch = reader.xid();
  record.client = reader.xid();
  record.accepted_at = reader.instant();
  record.granted_at = reader.instant();
  record.reported_at = reader.instant();
  record.misses = reader.misses();
  reader.end();
  return record;
}

core::FailRecord decode_fail(const core::Xid& id, std::string_view value) {
  Reader reader(Bucket::fail, id, value);
  core::FailRecord record;
  record.msg = reader.msg();
  reader.same_id(record.msg.id);
  record.accepted_at = reader.instant();
  record.failed_at = reader.instant();
  record.misses = reader.misses();
  reader.end();
  return record;
}

}  // namespace pena::store
