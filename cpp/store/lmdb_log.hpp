// The way of change sets into an LMDB environment: each is one write transaction, durable when it is
// committed.
#pragma once

#include <span>

#include "store/change_set.hpp"
#include "store/file_room.hpp"
#include "store/lmdb_env.hpp"
#include "store/lmdb_index.hpp"
#include "store/log.hpp"
#include "store/queue_registry.hpp"

namespace pena::store {

// The only writer of an environment. One owner. Errors: StoreError.
class LmdbLog {
 public:
  // `index`: of the environment, and there for as long as this is. Takes an older store over, forgets
  // queues that have nothing, and counts the boot in `meta`; a store of another schema is left as it is.
  explicit LmdbLog(const LmdbIndex& index);

  // Durable when it returns, or nothing is changed.
  Written commit(std::span<const core::Write* const> writes);

 private:
  Written apply(std::span<const core::Write* const> writes, MDB_txn* txn);

  const LmdbEnv& env_;
  QueueRegistry queues_;
  FileRoom room_;
  WriteBuffers buffers_;
};

}  // namespace pena::store
