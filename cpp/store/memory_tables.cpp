#include "store/memory_tables.hpp"

#include <variant>

#include "core/queue_names.hpp"
#include "store/error.hpp"

namespace pena::store {
namespace {

using core::Xid;

class MemoryWriter {
 public:
  explicit MemoryWriter(MemoryTables& tables) : tables_(tables) {}

  void operator()(const core::PutQueue& write) {
    const core::Msg& msg = write.msg.msg;
    if (msg.queue != core::kDefaultQueue) put(Bucket::queue, tables_.place, msg.id, {msg.queue});
    put(Bucket::queue, tables_.queue[msg.queue], msg.id, write.msg);
    tables_.queues.count(msg.queue, &QueueInfo::queued, 1);
  }
  void operator()(const core::DropQueue& write) {
    if (write.queue != core::kDefaultQueue) drop_place(Bucket::queue, write.id, {write.queue});
    drop(Bucket::queue, tables_.queue[write.queue], write.id);
    tables_.queues.count(write.queue, &QueueInfo::queued, -1);
  }
  void operator()(const core::PutLater& write) {
    const core::Msg& msg = write.msg.msg;
    put(Bucket::later, tables_.place, msg.id, {msg.queue, write.msg.queued_at});
    replace(tables_.later, {write.msg.queued_at, msg.id}, write.msg);
    tables_.queues.count(msg.queue, &QueueInfo::later, 1);
  }
  void operator()(const core::DropLater& write) {
    const auto at = tables_.later.find({write.due_at, write.id});
    if (at == tables_.later.end()) refuse_drop(Bucket::later, write.id);
    const core::QueueNumber queue = at->second.msg.queue;
    drop_place(Bucket::later, write.id, {queue, write.due_at});
    undo_.keep(tables_.later, at->first);
    tables_.later.erase(at);
    tables_.queues.count(queue, &QueueInfo::later, -1);
  }
  void operator()(const core::PutBatch& write) {
    if (write.replaces) return replace(tables_.batch, write.batch->id, *write.batch);
    put(Bucket::batch, tables_.batch, write.batch->id, *write.batch);
  }
  void operator()(const core::DropBatch& write) { drop(Bucket::batch, tables_.batch, write.id); }
  void operator()(const core::PutReport& write) {
    const core::ReportFields fields = write.fields();
    put_settled(Bucket::report, fields.id, record_of(fields));
    tables_.queues.count(core::shown_queue(fields.queue), &QueueInfo::reported, 1);
  }
  void operator()(const core::DropReport& write) {
    const auto record = drop_settled<core::ReportRecord>(Bucket::report, write.id);
    tables_.queues.count(core::shown_queue(record.queue), &QueueInfo::reported, -1);
  }
  void operator()(const core::PutFail& write) {
    put_settled(Bucket::fail, write.record.msg.id, write.record);
    tables_.queues.count(write.record.msg.queue, &QueueInfo::failed, 1);
  }
  void operator()(const core::DropFail& write) {
    const auto record = drop_settled<core::FailRecord>(Bucket::fail, write.id);
    tables_.queues.count(record.msg.queue, &QueueInfo::failed, -1);
  }
  void operator()(const core::PutKey& write) {
    const std::pair key{write.queue, write.key};
    if (tables_.key.contains(key)) refuse_key_put(write.queue, write.key);
    replace(tables_.key, key, write.id);
  }
  void operator()(const core::DropKey& write) {
    const std::pair key{write.queue, write.key};
    undo_.keep(tables_.key, key);
    if (tables_.key.erase(key) == 0) refuse_key_drop(write.queue, write.key);
  }
  void operator()(const core::PutQueueName& write) { tables_.queues.name(write); }
  void operator()(const core::PutMeta& write) { replace(tables_.meta, write.key, write.value); }

  void undo() {
    undo_.run();
    tables_.queues.undo();
  }

 private:
  // Where the settled msgs of a bucket are.
  template <class Record>
  struct Settled {
    TableOf<Record>& records;
    std::map<std::uint64_t, Xid>& order;
    std::uint64_t& last;
  };
  Settled<core::ReportRecord> settled(const core::ReportRecord& /*which*/) {
    return {tables_.report, tables_.reported, tables_.last_reported};
  }
  Settled<core::FailRecord> settled(const core::FailRecord& /*which*/) {
    return {tables_.fail, tables_.failed, tables_.last_failed};
  }

  template <class Record>
  void put_settled(Bucket bucket, const Xid& id, Record record) {
    const Settled<Record> into = settled(record);
    undo_.keep(into.last);
    record.order = ++into.last;
    put(bucket, into.records, id, record);
    replace(into.order, record.order, id);
  }
  template <class Record>
  Record drop_settled(Bucket bucket, const Xid& id) {
    const Settled<Record> from = settled(Record{});
    const auto at = from.records.find(id);
    if (at == from.records.end()) refuse_drop(bucket, id);
    Record record = at->second;
    drop(bucket, from.records, id);
    undo_.keep(from.order, record.order);
    from.order.erase(record.order);
    return record;
  }

  template <class Map>
  void replace(Map& map, const typename Map::key_type& key,
               const typename Map::mapped_type& value) {
    undo_.keep(map, key);
    map.insert_or_assign(key, value);
  }
  template <class Record>
  void put(Bucket bucket, TableOf<Record>& map, const Xid& id, const Record& value) {
    undo_.keep(map, id);
    if (!map.emplace(id, value).second) refuse_put(bucket, id);
  }
  template <class Record>
  void drop(Bucket bucket, TableOf<Record>& map, const Xid& id) {
    undo_.keep(map, id);
    if (map.erase(id) == 0) refuse_drop(bucket, id);
  }
  void drop_place(Bucket bucket, const Xid& id, const Place& place) {
    const auto at = tables_.place.find(id);
    if (at == tables_.place.end() || at->second != place) refuse_drop(bucket, id);
    drop(bucket, tables_.place, id);
  }

  MemoryTables& tables_;
  Undo undo_;
};

}  // namespace

void apply(const ChangeSet& changes, MemoryTables& tables) {
  MemoryWriter writer(tables);
  try {
    for (const core::Write& write : changes) std::visit(writer, write);
    tables.queues.settle();
  } catch (...) {
    writer.undo();
    throw;
  }
  tables.queues.keep();
}

}  // namespace pena::store
