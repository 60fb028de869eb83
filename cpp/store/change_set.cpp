#include "store/change_set.hpp"

#include "core/queue_names.hpp"
#include "store/error.hpp"
#include "store/lmdb_places.hpp"
#include "store/lmdb_records.hpp"

namespace pena::store {

using core::Xid;
using Put = KeyCursor::Put;

Applying::Applying(const LmdbEnv& env, MDB_txn* txn, QueueRegistry& queues, WriteBuffers& buffers)
    : env_(env),
      txn_(txn),
      queues_(queues),
      buffers_(buffers),
      queue_(env, txn, core::kDefaultQueue, buffers.queue),
      later_(env, txn, Table::later),
      key_(env, txn, Table::key),
      place_(env, txn, Table::place),
      batch_(env, txn, Table::batch),
      report_(env, txn, Table::report),
      fail_(env, txn, Table::fail),
      reported_(env, txn, Table::reported, buffers.reported),
      failed_(env, txn, Table::failed, buffers.failed) {}

void Applying::operator()(const core::PutQueue& write) {
  const core::Msg& msg = write.msg.msg;
  queues_.count(msg.queue, &QueueInfo::queued, 1);
  ++written_.records;
  if (msg.queue == core::kDefaultQueue) return queue_.put(write.msg);
  put_place(Bucket::queue, msg.id, {msg.queue});
  other_queues_[msg.queue].emplace_back(&write.msg);
}

void Applying::operator()(const core::DropQueue& write) {
  queues_.count(write.queue, &QueueInfo::queued, -1);
  ++written_.records;
  if (write.queue == core::kDefaultQueue) return queue_.drop(write.id);
  drop_place(Bucket::queue, write.id, {write.queue});
  other_queues_[write.queue].emplace_back(write.id);
}

void Applying::operator()(const core::PutLater& write) {
  const core::Msg& msg = write.msg.msg;
  queues_.count(msg.queue, &QueueInfo::later, 1);
  put_place(Bucket::later, msg.id, {msg.queue, write.msg.queued_at});
  encode(write.msg, buffers_.record);
  const std::string key = LaterKey{write.msg.queued_at, msg.id}.bytes();
  if (!later_.put(key, buffers_.record, Put::fresh)) refuse_put(Bucket::later, msg.id);
  count_put(buffers_.record.size());
}

void Applying::operator()(const core::DropLater& write) {
  if (!later_.to(LaterKey{write.due_at, write.id}.bytes())) refuse_drop(Bucket::later, write.id);
  const core::QueueNumber queue =
      decode_place(write.id, place_.find(Bucket::later, write.id)).queue;
  drop_place(Bucket::later, write.id, {queue, write.due_at});
  later_.drop();
  queues_.count(queue, &QueueInfo::later, -1);
  ++written_.records;
}

void Applying::operator()(const core::PutBatch& write) {
  encode(*write.batch, buffers_.record);
  if (!write.replaces) return put(Bucket::batch, batch_, write.batch->id);
  count_put(buffers_.record.size());
  batch_.replace(write.batch->id, buffers_.record);
}

void Applying::operator()(const core::DropBatch& write) {
  batch_.drop(Bucket::batch, write.id);
  ++written_.records;
}

void Applying::operator()(const core::PutReport& write) {
  const core::ReportFields fields = write.fields();
  queues_.count(core::shown_queue(fields.queue), &QueueInfo::reported, 1);
  encode(fields, reported_.add(fields.id), buffers_.record);
  put(Bucket::report, report_, fields.id);
}

void Applying::operator()(const core::DropReport& write) {
  const auto record = decode_report(write.id, report_.find(Bucket::report, write.id));
  report_.drop_found(write.id);
  reported_.drop(record.order, write.id);
  queues_.count(core::shown_queue(record.queue), &QueueInfo::reported, -1);
  ++written_.forgotten;
  ++written_.records;
}

void Applying::operator()(const core::PutFail& write) {
  queues_.count(write.record.msg.queue, &QueueInfo::failed, 1);
  encode(write.record, failed_.add(write.record.msg.id), buffers_.record);
  put(Bucket::fail, fail_, write.record.msg.id);
}

void Applying::operator()(const core::DropFail& write) {
  const auto record = decode_fail(write.id, fail_.find(Bucket::fail, write.id));
  fail_.drop_found(write.id);
  failed_.drop(record.order, write.id);
  queues_.count(record.msg.queue, &QueueInfo::failed, -1);
  ++written_.records;
}

void Applying::operator()(const core::PutKey& write) {
  encode_key(write.id, buffers_.place);
  if (!key_.put(key_of_key(write.queue, write.key), buffers_.place, Put::fresh)) {
    refuse_key_put(write.queue, write.key);
  }
  count_put(buffers_.place.size());
}

void Applying::operator()(const core::DropKey& write) {
  if (!key_.to(key_of_key(write.queue, write.key))) refuse_key_drop(write.queue, write.key);
  key_.drop();
  ++written_.records;
}

void Applying::operator()(const core::PutMeta& write) {
  put_number(env_, txn_, write.key, write.value);
}

Written Applying::finish() {
  queue_.flush();
  written_.bytes += queue_.bytes();
  write_queues();
  for (SettledWriter* settled : {&reported_, &failed_}) {
    settled->flush(buffers_.record);
    written_.records += settled->records();
    written_.bytes += settled->bytes();
  }
  write_queue_infos();
  return written_;
}

void Applying::put(Bucket bucket, TableWriter& table, const Xid& id) {
  count_put(buffers_.record.size());
  table.put(bucket, id, buffers_.record);
}

void Applying::put_place(Bucket bucket, const Xid& id, const Place& place) {
  encode(place, buffers_.place);
  place_.put(bucket, id, buffers_.place);
  count_put(buffers_.place.size());
}

void Applying::drop_place(Bucket bucket, const Xid& id, const Place& place) {
  if (decode_place(id, place_.find(bucket, id)) != place) refuse_drop(bucket, id);
  place_.drop_found(id);
  ++written_.records;
}

void Applying::write_queues() {
  for (const auto& [number, steps] : other_queues_) {
    QueueWriter writer(env_, txn_, number, buffers_.queue);
    for (const QueueStep& step : steps) {
      if (const auto* const msg = std::get_if<const core::QueuedMsg*>(&step)) {
        writer.put(**msg);
      } else {
        writer.drop(std::get<Xid>(step));
      }
    }
    writer.flush();
    written_.bytes += writer.bytes();
  }
}

void Applying::write_queue_infos() {
  queues_.settle();
  queues_.each_changed([this](const QueueInfo& info) {
    encode(info, buffers_.place);
    const std::string key = key_of_number(info.number);
    MDB_val mdb_key = to_val(std::string_view{key});
    MDB_val value = to_val(std::string_view{buffers_.place});
    const int code = mdb_put(txn_, env_.table(Table::queue_info), &mdb_key, &value, 0);
    if (code != 0) throw_lmdb("cannot write to the store", code);
    count_put(buffers_.place.size());
  });
}

}  // namespace pena::store
