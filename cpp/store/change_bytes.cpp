#include "store/change_bytes.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "store/error.hpp"
#include "store/format.hpp"
#include "store/record_bytes.hpp"
#include "store/report_bytes.hpp"

namespace pena::store {
namespace {

constexpr std::string_view kWhere = "log";

enum class Kind : std::uint8_t {
  put_queue = 1,
  drop_queue,
  put_batch,
  drop_batch,
  put_report,
  put_fail,
  put_meta,
  put_later,
  drop_later,
  drop_report,
  drop_fail,
  put_key,
  drop_key,
  put_queue_name,
  put_next_report,
};
// Of a kind: its id has another origin than the one before it.
constexpr unsigned kWholeId = 0x80;

// What is written as a difference from what was written before it.
struct Before {
  core::Xid id;
  core::Instant accepted_at{};
  std::optional<SharedOfReports> report;
};

class Encoding {
 public:
  explicit Encoding(ValueWriter& out) : out_(out) {}

  void operator()(const core::PutQueue& write) {
    begin(Kind::put_queue);
    held(write.msg);
  }
  void operator()(const core::DropQueue& write) {
    begin(Kind::drop_queue, write.id);
    out_.varint(write.queue);
  }
  void operator()(const core::PutBatch& write) {
    begin(Kind::put_batch, write.batch->id);
    out_.number(static_cast<std::uint8_t>(write.replaces));
    out_.batch(*write.batch);
  }
  void operator()(const core::DropBatch& write) { begin(Kind::drop_batch, write.id); }
  void operator()(const core::PutReport& write) {
    const core::ReportFields fields = write.fields();
    if (before_.report && before_.report->is_of(fields)) {
      begin(Kind::put_next_report);
    } else {
      begin(Kind::put_report, fields.batch);
      before_.report = shared_of(fields);
      write_shared(*before_.report, out_);
    }
    write_one_of(fields, before_.id, before_.accepted_at, out_);
    before_.id = fields.id;
    before_.accepted_at = fields.accepted_at;
  }
  void operator()(const core::PutFail& write) {
    begin(Kind::put_fail, write.record.msg.id);
    encode(write.record, 0, value_);
    out_.text(value_);
  }
  void operator()(const core::PutMeta& write) {
    begin(Kind::put_meta);
    out_.name(write.key);
    out_.number(write.value);
  }
  void operator()(const core::PutLater& write) {
    begin(Kind::put_later);
    held(write.msg);
  }
  void operator()(const core::DropLater& write) {
    begin(Kind::drop_later, write.id);
    out_.instant(write.due_at);
  }
  void operator()(const core::DropReport& write) { begin(Kind::drop_report, write.id); }
  void operator()(const core::DropFail& write) { begin(Kind::drop_fail, write.id); }
  void operator()(const core::PutKey& write) {
    begin(Kind::put_key, write.id);
    key(write.queue, write.key);
  }
  void operator()(const core::DropKey& write) {
    begin(Kind::drop_key);
    key(write.queue, write.key);
  }
  void operator()(const core::PutQueueName& write) {
    begin(Kind::put_queue_name);
    out_.varint(write.queue);
    out_.number(static_cast<std::uint8_t>(write.paused));
    out_.name(write.name);
  }

 private:
  void begin(Kind kind) { out_.number(static_cast<std::uint8_t>(kind)); }
  void begin(Kind kind, const core::Xid& id) {
    const unsigned whole = id.has_origin_of(before_.id) ? 0U : kWholeId;
    out_.number(static_cast<std::uint8_t>(static_cast<unsigned>(kind) | whole));
    out_.near(id, before_.id);
    before_.id = id;
  }
  void held(const core::QueuedMsg& msg) {
    out_.held(msg, before_.id, before_.accepted_at);
    before_.id = msg.msg.id;
    before_.accepted_at = msg.accepted_at;
  }
  void key(core::QueueNumber queue, const std::string& key) {
    out_.varint(queue);
    out_.name(key);
  }

  ValueWriter& out_;
  Before before_;
  std::string value_;
};

// Of each write at least.
struct Least {
  static constexpr std::size_t kSmall = 2;
  static constexpr std::size_t kHeldMsg = 11;
  static constexpr std::size_t kMsg = 1 + kHeldMsg;
  static constexpr std::size_t kReport = 10;
  static constexpr std::size_t kBatch = 31;

  std::size_t operator()(const core::PutQueue& write) const {
    return kMsg + write.msg.msg.payload.size();
  }
  std::size_t operator()(const core::PutLater& write) const {
    return kMsg + write.msg.msg.payload.size();
  }
  std::size_t operator()(const core::PutReport& write) const {
    return kReport + write.result_bytes();
  }
  std::size_t operator()(const core::PutFail& write) const {
    return kMsg + write.record.msg.payload.size();
  }
  std::size_t operator()(const core::PutBatch& write) const {
    std::size_t bytes = kBatch;
    for (const core::QueuedMsg& msg : write.batch->msgs) {
      bytes += kHeldMsg + msg.msg.payload.size();
    }
    return bytes;
  }
  template <class Other>
  std::size_t operator()(const Other& /*write*/) const {
    return kSmall;
  }
};

class Decoding {
 public:
  explicit Decoding(Reader& in) : in_(in) {}

  core::Write next() {
    const auto first = in_.number<std::uint8_t>();
    whole_id_ = (first & kWholeId) != 0;
    const auto kind = static_cast<Kind>(first & ~kWholeId);
    core::Write write = read(kind);
    if (whole_id_) in_.broken("has no id where it tells that one is whole");
    return write;
  }

 private:
  core::Write read(Kind kind) {
    switch (kind) {
      case Kind::put_queue:
        return core::PutQueue{held()};
      case Kind::drop_queue: {
        const core::Xid id = this->id();
        return core::DropQueue{id, in_.small<core::QueueNumber>()};
      }
      case Kind::put_batch: {
        const core::Xid id = this->id();
        const bool replaces = flag();
        return core::PutBatch{std::make_shared<const core::Batch>(in_.batch(id)), replaces};
      }
      case Kind::drop_batch:
        return core::DropBatch{id()};
      case Kind::put_report: {
        SharedOfReports shared = read_shared(id(), in_);
        if (before_.report == shared) in_.broken("tells twice whose report it is");
        before_.report = std::move(shared);
        return report();
      }
      case Kind::put_next_report:
        if (!before_.report) in_.broken("has a report of nobody");
        return report();
      case Kind::put_fail: {
        const core::Xid id = this->id();
        core::FailRecord record = decode_fail(id, in_.text());
        if (record.order != 0) in_.broken("has a place of what is to be given one");
        return core::PutFail{std::move(record)};
      }
      case Kind::put_meta: {
        std::string key{in_.name()};
        return core::PutMeta{std::move(key), in_.number<std::uint64_t>()};
      }
      case Kind::put_later:
        return core::PutLater{held()};
      case Kind::drop_later: {
        const core::Xid id = this->id();
        return core::DropLater{id, in_.instant()};
      }
      case Kind::drop_report:
        return core::DropReport{id()};
      case Kind::drop_fail:
        return core::DropFail{id()};
      case Kind::put_key: {
        const core::Xid id = this->id();
        const auto queue = in_.small<core::QueueNumber>();
        return core::PutKey{queue, std::string{in_.name()}, id};
      }
      case Kind::drop_key: {
        const auto queue = in_.small<core::QueueNumber>();
        return core::DropKey{queue, std::string{in_.name()}};
      }
      case Kind::put_queue_name: {
        const auto queue = in_.small<core::QueueNumber>();
        const bool paused = flag();
        return core::PutQueueName{queue, std::string{in_.name()}, paused};
      }
    }
    in_.broken("has a write of the unknown kind " + std::to_string(static_cast<int>(kind)));
  }
  core::Xid id() {
    before_.id = in_.near(before_.id, std::exchange(whole_id_, false));
    return before_.id;
  }
  core::QueuedMsg held() {
    core::QueuedMsg msg = in_.held(before_.id, before_.accepted_at);
    before_.id = msg.msg.id;
    before_.accepted_at = msg.accepted_at;
    return msg;
  }
  core::PutReport report() {
    core::ReportRecord record = read_one_of(*before_.report, before_.id, before_.accepted_at, in_);
    before_.id = record.id;
    before_.accepted_at = record.accepted_at;
    return core::PutReport{std::move(record)};
  }
  bool flag() {
    const auto value = in_.number<std::uint8_t>();
    if (value > 1) in_.broken("has a flag that is neither 0 nor 1");
    return value == 1;
  }

  Reader& in_;
  Before before_;
  bool whole_id_ = false;
};

}  // namespace

void encode(const ChangeSet& changes, std::string& out) {
  ValueWriter writer(out);
  Encoding encoding(writer);
  for (const core::Write& write : changes) std::visit(encoding, write);
  writer.seal();
}

std::size_t least_bytes(const ChangeSet& changes, std::size_t most) {
  std::size_t bytes = 0;
  for (const core::Write& write : changes) {
    bytes += std::visit(Least{}, write);
    if (bytes > most) break;
  }
  return bytes;
}

ChangeSet decode_changes(std::string_view bytes) {
  Reader reader(kWhere, core::Xid{}, bytes, "change set");
  if (reader.version() != kRecordVersion) {
    reader.broken("has version " + std::to_string(reader.version()) +
                  ": another Pena wrote it, which is to be started once more");
  }
  Decoding decoding(reader);
  ChangeSet changes;
  while (!reader.at_end()) changes.push_back(decoding.next());
  return changes;
}

}  // namespace pena::store
