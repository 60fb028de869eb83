#include "store/change_bytes.hpp"

#include <cstdint>
#include <memory>
#include <utility>
#include <variant>

#include "store/error.hpp"
#include "store/format.hpp"
#include "store/record_bytes.hpp"

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
};

class Encoding {
 public:
  explicit Encoding(ValueWriter& out) : out_(out) {}

  void operator()(const core::PutQueue& write) {
    begin(Kind::put_queue);
    out_.queued(write.msg);
  }
  void operator()(const core::DropQueue& write) {
    begin(Kind::drop_queue);
    out_.xid(write.id);
    out_.varint(write.queue);
  }
  void operator()(const core::PutBatch& write) {
    begin(Kind::put_batch);
    out_.xid(write.batch->id);
    out_.number(static_cast<std::uint8_t>(write.replaces));
    encode(*write.batch, value_);
    out_.text(value_);
  }
  void operator()(const core::DropBatch& write) { only_id(Kind::drop_batch, write.id); }
  void operator()(const core::PutReport& write) {
    const core::ReportFields fields = write.fields();
    only_id(Kind::put_report, fields.id);
    encode(fields, 0, value_);
    out_.text(value_);
  }
  void operator()(const core::PutFail& write) {
    only_id(Kind::put_fail, write.record.msg.id);
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
    out_.queued(write.msg);
  }
  void operator()(const core::DropLater& write) {
    only_id(Kind::drop_later, write.id);
    out_.instant(write.due_at);
  }
  void operator()(const core::DropReport& write) { only_id(Kind::drop_report, write.id); }
  void operator()(const core::DropFail& write) { only_id(Kind::drop_fail, write.id); }
  void operator()(const core::PutKey& write) {
    key(Kind::put_key, write.queue, write.key);
    out_.xid(write.id);
  }
  void operator()(const core::DropKey& write) { key(Kind::drop_key, write.queue, write.key); }
  void operator()(const core::PutQueueName& write) {
    begin(Kind::put_queue_name);
    out_.varint(write.queue);
    out_.number(static_cast<std::uint8_t>(write.paused));
    out_.name(write.name);
  }

 private:
  void begin(Kind kind) { out_.number(static_cast<std::uint8_t>(kind)); }
  void only_id(Kind kind, const core::Xid& id) {
    begin(kind);
    out_.xid(id);
  }
  void key(Kind kind, core::QueueNumber queue, const std::string& key) {
    begin(kind);
    out_.varint(queue);
    out_.name(key);
  }

  ValueWriter& out_;
  std::string value_;
};

// Of each write at least.
struct Least {
  static constexpr std::size_t kSmall = 2;
  static constexpr std::size_t kMsg = 1 + core::Xid::kBytes + 7;
  static constexpr std::size_t kHeldMsg = 9;
  static constexpr std::size_t kReport = 1 + core::Xid::kBytes + 1 + kRecordHeader + 16;

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
    std::size_t bytes = kReport;
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

bool flag(Reader& reader) {
  const auto value = reader.number<std::uint8_t>();
  if (value > 1) reader.broken("has a flag that is neither 0 nor 1");
  return value == 1;
}

core::Write read_write(Reader& reader) {
  const auto kind = reader.number<std::uint8_t>();
  switch (static_cast<Kind>(kind)) {
    case Kind::put_queue:
      return core::PutQueue{reader.queued()};
    case Kind::drop_queue: {
      const core::Xid id = reader.xid();
      return core::DropQueue{id, reader.small<core::QueueNumber>()};
    }
    case Kind::put_batch: {
      const core::Xid id = reader.xid();
      const bool replaces = flag(reader);
      auto batch = decode_batch(id, reader.text());
      return core::PutBatch{std::make_shared<const core::Batch>(std::move(batch)), replaces};
    }
    case Kind::drop_batch:
      return core::DropBatch{reader.xid()};
    case Kind::put_report: {
      const core::Xid id = reader.xid();
      return core::PutReport{decode_report(id, reader.text())};
    }
    case Kind::put_fail: {
      const core::Xid id = reader.xid();
      return core::PutFail{decode_fail(id, reader.text())};
    }
    case Kind::put_meta: {
      std::string key{reader.name()};
      return core::PutMeta{std::move(key), reader.number<std::uint64_t>()};
    }
    case Kind::put_later:
      return core::PutLater{reader.queued()};
    case Kind::drop_later: {
      const core::Xid id = reader.xid();
      return core::DropLater{id, reader.instant()};
    }
    case Kind::drop_report:
      return core::DropReport{reader.xid()};
    case Kind::drop_fail:
      return core::DropFail{reader.xid()};
    case Kind::put_key: {
      const auto queue = reader.small<core::QueueNumber>();
      std::string key{reader.name()};
      return core::PutKey{queue, std::move(key), reader.xid()};
    }
    case Kind::drop_key: {
      const auto queue = reader.small<core::QueueNumber>();
      return core::DropKey{queue, std::string{reader.name()}};
    }
    case Kind::put_queue_name: {
      const auto queue = reader.small<core::QueueNumber>();
      const bool paused = flag(reader);
      return core::PutQueueName{queue, std::string{reader.name()}, paused};
    }
  }
  reader.broken("has a write of the unknown kind " + std::to_string(kind));
}

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
  ChangeSet changes;
  while (!reader.at_end()) changes.push_back(read_write(reader));
  return changes;
}

}  // namespace pena::store
