// How the grammar of format.hpp is written and read: for the sources of the format alone.
//
// Two rules hold it together.
//
//   Whole or not at all   a value is read only behind its version and its checksum, so what is decoded
//                         was encoded by somebody. Lengths and counts are compared with what is left all
//                         the same: a bug, or a program that is newer, must not read behind the end.
//   Named twice           a record says its own id where it has room for it, and that is compared with
//                         its key. The checksum alone would not notice a value under another's key.
//
// The checksum is seeded with the version: a value whose version was changed by damage does not pass for
// one of that version.
//
// What is written most is written short, for each commit brings a report and a place in a batch of every
// msg to the disk: numbers that are small take a byte or two, instants stand as what lies between them, and
// ids that one process made say their origin once.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/msg.hpp"
#include "store/format.hpp"

namespace pena::store {

static_assert(sizeof(core::Xid) == core::Xid::kBytes && sizeof(core::Instant) == 8);
static_assert(std::endian::native == std::endian::little,
              "numbers are copied as they lie in memory");

inline constexpr std::size_t kRecordHeader = 5;   // version and checksum
inline constexpr std::uint8_t kShortVersion = 3;  // the first with short numbers, instants and ids

// What a msg or a report has besides, each behind its flag.
inline constexpr unsigned kHasQueue = 1;
inline constexpr unsigned kHasMaxResends = 2;
inline constexpr unsigned kHasKey = 4;
inline constexpr unsigned kHasClientName = 8;  // from here on of reports alone
inline constexpr unsigned kHasPayloadHash = 16;
inline constexpr unsigned kHasResult = 32;
// Another process made the batch's id than the msg's, or the client's than the batch's: it stands whole.
inline constexpr unsigned kOtherBatch = 64;
inline constexpr unsigned kOtherClient = 128;
// Of a msg that is written behind another one: another process made its id.
inline constexpr unsigned kOtherOrigin = 64;

// From which the instants of a msg are counted.
[[nodiscard]] inline core::Instant second_of(const core::Xid& id) {
  return core::from_us(std::int64_t{id.seconds()} * 1'000'000);
}

// Writes behind what `out` has; all of it is there behind flush(). A record is many short fields, and an
// append to a string costs more than what it appends: so they are gathered first.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  // Numbers, instants and ids, one behind the other.
  template <class... Fields>
  void fields(const Fields&... values) {
    static_assert((std::is_trivially_copyable_v<Fields> && ...));
    constexpr std::size_t kBytes = (sizeof values + ...);
    static_assert(kBytes <= kGathered);
    if (kBytes > left()) flush();
    char* at = end_;
    ((std::memcpy(at, &values, sizeof values), at += sizeof values), ...);
    end_ = at;
  }
  template <class Number>
  void number(Number value) {
    fields(value);
  }
  void instant(core::Instant at) { fields(at); }
  void xid(const core::Xid& id) { fields(id); }
  // Seven bits a byte, the lowest first; the top bit says that more follow.
  void varint(std::uint64_t value) {
    if (value < 0x80) return number(static_cast<std::uint8_t>(value));
    long_varint(value);
  }
  // So much later, or earlier: 0, -1, 1, -2 … are 0, 1, 2, 3 …
  void difference(std::uint64_t of, std::uint64_t from) {
    const std::uint64_t by = of - from;
    varint((by << 1U) ^ (0 - (by >> 63U)));
  }
  void since(core::Instant at, core::Instant from) {
    difference(static_cast<std::uint64_t>(core::to_us(at)),
               static_cast<std::uint64_t>(core::to_us(from)));
  }
  // Of one origin with `from`, or whole.
  void near(const core::Xid& id, const core::Xid& from) {
    if (!id.has_origin_of(from)) return xid(id);
    difference(id.seconds(), from.seconds());
    bytes({reinterpret_cast<const char*>(id.bytes().data()) + kCounterAt, kCounterBytes});
  }
  void bytes(std::string_view bytes) {
    if (bytes.size() <= left()) {
      end_ += bytes.copy(end_, bytes.size());
    } else {
      flush();
      out_.append(bytes);
    }
  }
  void text(std::string_view text) {
    varint(text.size());
    bytes(text);
  }
  void flush() {
    out_.append(gathered_, static_cast<std::size_t>(end_ - gathered_));
    end_ = gathered_;
  }
  void name(std::string_view name);  // of 255 bytes at most; StoreError
  void misses(const std::vector<core::Miss>& misses) {
    varint(misses.size());
    for (const core::Miss& one : misses) miss(one);
  }
  void msg(const core::Msg& msg);
  void queued(const core::QueuedMsg& queued);
  // Behind another one, as in a batch. `before`, `accepted_before`: the id and the date of that, or of the batch.
  void held(const core::QueuedMsg& queued, const core::Xid& before, core::Instant accepted_before);
  void batch(const core::Batch& batch);  // all but its id
  // Those of the first three flags that are set.
  template <class Record>  // a Msg or a ReportRecord
  void extras(unsigned flags, const Record& record) {
    if ((flags & kHasQueue) != 0) number(record.queue);
    if ((flags & kHasMaxResends) != 0) number(*record.max_resends);
    if ((flags & kHasKey) != 0) name(record.key);
  }

 private:
  static constexpr std::size_t kGathered = 512;
  static constexpr std::size_t kLongestVarint = 10;
  static constexpr std::size_t kCounterAt = 9;  // of an xid
  static constexpr std::size_t kCounterBytes = 3;
  void times_and_misses(const core::QueuedMsg& queued, core::Instant from);
  void long_varint(std::uint64_t value);
  void miss(const core::Miss& miss);
  [[nodiscard]] std::size_t left() const {
    return kGathered - static_cast<std::size_t>(end_ - gathered_);
  }

  std::string& out_;
  char gathered_[kGathered];
  char* end_ = gathered_;
};

// Which extras it has.
template <class Record>  // a Msg or ReportFields
unsigned extras_of(const Record& record) {
  return (record.queue != core::kDefaultQueue ? kHasQueue : 0U) |
         (record.max_resends ? kHasMaxResends : 0U) | (record.key.empty() ? 0U : kHasKey);
}

inline void Writer::msg(const core::Msg& msg) {
  const unsigned flags = extras_of(msg);
  xid(msg.id);
  varint(msg.period);
  number(static_cast<std::uint8_t>(flags));
  extras(flags, msg);
  text(msg.payload);
}

inline void Writer::queued(const core::QueuedMsg& queued) {
  msg(queued.msg);
  times_and_misses(queued, second_of(queued.msg.id));
}

inline void Writer::held(const core::QueuedMsg& queued, const core::Xid& before,
                         core::Instant accepted_before) {
  const core::Msg& msg = queued.msg;
  const unsigned flags = extras_of(msg) | (msg.id.has_origin_of(before) ? 0U : kOtherOrigin);
  number(static_cast<std::uint8_t>(flags));
  near(msg.id, before);
  varint(msg.period);
  extras(flags, msg);
  text(msg.payload);
  times_and_misses(queued, accepted_before);
}

inline void Writer::times_and_misses(const core::QueuedMsg& queued, core::Instant from) {
  since(queued.accepted_at, from);
  since(queued.queued_at, queued.accepted_at);
  varint(queued.attempts);
  misses(queued.misses);
}

// Replaces `out` by a value, which is one when it is sealed.
class ValueWriter : public Writer {
 public:
  explicit ValueWriter(std::string& out) : Writer(out), value_(out) {
    value_.clear();
    fields(std::array<char, kRecordHeader>{});  // the header's place
  }
  void seal() {
    flush();
    store::seal(value_);
  }

 private:
  std::string& value_;
};

// Never reads behind the end; the first thing that does not fit throws. `bucket` and `key`, which is the
// record's id or, where it has none, `other_key`: as errors name them.
class Reader {
 public:
  Reader(std::string_view bucket, const core::Xid& id, std::string_view value,
         std::string_view other_key = {});

  [[nodiscard]] std::uint8_t version() const { return version_; }
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
  // As Writer has them, and no longer than they need be.
  std::uint64_t varint();
  template <class Number>
  Number small() {
    const std::uint64_t value = varint();
    if (value > std::numeric_limits<Number>::max()) broken("has a number that is too large");
    return static_cast<Number>(value);
  }
  // What `from` and a difference make; it goes round where that is beyond all numbers.
  std::uint64_t differing(std::uint64_t from) {
    const std::uint64_t by = varint();
    return from + ((by >> 1U) ^ (0 - (by & 1U)));
  }
  core::Instant since(core::Instant from) {
    const std::uint64_t us = differing(static_cast<std::uint64_t>(core::to_us(from)));
    return core::from_us(static_cast<std::int64_t>(us));
  }
  // `whole`: of another origin than `from`.
  core::Xid near(const core::Xid& from, bool whole);
  std::string_view bytes(std::size_t size) { return next(size); }
  std::string_view text() { return next(count<std::uint32_t>()); }
  std::string_view name() { return next(number<std::uint8_t>()); }
  // Whether numbers, instants and ids stand as short as they can.
  [[nodiscard]] bool is_short() const { return version_ >= kShortVersion; }
  // Whole in records that are not short.
  template <class Number = std::uint16_t>
  Number count() {
    return is_short() ? small<Number>() : number<Number>();
  }
  core::Instant instant_since(core::Instant from) { return is_short() ? since(from) : instant(); }
  std::vector<core::Miss> misses();
  void times_and_misses(core::QueuedMsg& queued, core::Instant from);
  core::Msg msg();
  core::QueuedMsg queued();
  core::QueuedMsg held(const core::Xid& before, core::Instant accepted_before);
  core::Batch batch(const core::Xid& id);
  template <class Record>  // a Msg or a ReportRecord
  void extras(unsigned flags, Record& record) {
    if ((flags & kHasQueue) != 0) record.queue = number<core::QueueNumber>();
    if ((flags & kHasMaxResends) != 0) record.max_resends = number<std::uint16_t>();
    if ((flags & kHasKey) != 0) record.key = name();
    told(flags, kHasQueue, record.queue != core::kDefaultQueue);
    told(flags, kHasKey, !record.key.empty());
  }
  // A flag stands for something that is worth being told: so each record has one form.
  void told(unsigned flags, unsigned flag, bool worth) const {
    if ((flags & flag) != 0 && !worth) broken("tells at length that it has nothing");
  }
  unsigned flags(unsigned known);
  // A msg of a queue, passed over.
  QueuedSlice slice();
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
  [[nodiscard]] std::size_t left() const { return rest_.size(); }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  void end() {
    if (!rest_.empty()) broken("goes on behind its end");
  }
  [[noreturn]] void broken(const std::string& how) const;

 private:
  core::MissReason reason();
  std::string_view next(std::size_t size) {
    if (size > rest_.size()) broken("ends too early");
    const std::string_view first = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return first;
  }

  std::string_view bucket_;
  core::Xid id_;
  std::string_view other_key_;
  std::string_view rest_;
  std::uint8_t version_ = 0;
};

}  // namespace pena::store
