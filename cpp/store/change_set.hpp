// A change set on its way into one write transaction of an LMDB environment.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/effect.hpp"
#include "store/lmdb_env.hpp"
#include "store/queue_registry.hpp"
#include "store/queue_table.hpp"
#include "store/settled_table.hpp"
#include "store/table_writer.hpp"

namespace pena::store {

// What a commit wrote: how many records were put or dropped, and the bytes of those that were put.
struct Written {
  std::size_t records = 0;
  std::size_t forgotten = 0;  // reports among them
  std::size_t bytes = 0;
};

// Kept by the caller: one value each, for their memory, and what one commit leaves for the next.
struct WriteBuffers {
  std::string record;
  std::string queue;
  std::string place;
  std::optional<SettledTail> reported, failed;

  void commit_failed() { reported = failed = std::nullopt; }
};

// A visitor of writes. Its cursors are closed when it goes: LMDB wants that before a write transaction
// ends. Errors: StoreError.
class Applying {
 public:
  Applying(const LmdbEnv& env, MDB_txn* txn, QueueRegistry& queues, WriteBuffers& buffers);

  // What a write names has to be there until finish().
  void operator()(const core::PutQueue& write);
  void operator()(const core::DropQueue& write);
  void operator()(const core::PutLater& write);
  void operator()(const core::DropLater& write);
  void operator()(const core::PutBatch& write);
  void operator()(const core::DropBatch& write);
  void operator()(const core::PutReport& write);
  void operator()(const core::DropReport& write);
  void operator()(const core::PutFail& write);
  void operator()(const core::DropFail& write);
  void operator()(const core::PutKey& write);
  void operator()(const core::DropKey& write);
  void operator()(const core::PutQueueName& write) { queues_.name(write); }
  void operator()(const core::PutMeta& write);

  [[nodiscard]] Written finish();

 private:
  // Waits for finish(), so that one queue after the other is written. The msg, or the id that is dropped.
  using QueueStep = std::variant<const core::QueuedMsg*, core::Xid>;

  void put(Bucket bucket, TableWriter& table, const core::Xid& id);  // what is in the buffer
  void put_place(Bucket bucket, const core::Xid& id, const Place& place);
  void drop_place(Bucket bucket, const core::Xid& id, const Place& place);
  void write_queues();
  void write_queue_infos();
  void count_put(std::size_t bytes) {
    ++written_.records;
    written_.bytes += bytes;
  }

  const LmdbEnv& env_;
  MDB_txn* txn_;
  QueueRegistry& queues_;
  WriteBuffers& buffers_;
  Written written_;
  QueueWriter queue_;
  std::map<core::QueueNumber, std::vector<QueueStep>> other_queues_;
  KeyCursor later_;
  KeyCursor key_;
  TableWriter place_;
  TableWriter batch_;
  TableWriter report_;
  TableWriter fail_;
  SettledWriter reported_;
  SettledWriter failed_;
};

}  // namespace pena::store
