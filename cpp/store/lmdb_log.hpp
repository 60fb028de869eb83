// The way of change sets into an LMDB environment: each is one write transaction, durable when it is
// committed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "store/file_room.hpp"
#include "store/lmdb_env.hpp"
#include "store/lmdb_index.hpp"
#include "store/log.hpp"

namespace pena::store {

// The only writer of an environment. One owner. Errors: StoreError.
class LmdbLog {
 public:
  // `index`: of the environment, and there for as long as this is. Counts the boot in `meta`; a store
  // of another schema is left as it is.
  explicit LmdbLog(const LmdbIndex& index);

  // Durable when it returns, or nothing is changed. Returns the bytes of the records that were put.
  std::size_t commit(const ChangeSet& changes);

 private:
  struct Applied {
    std::size_t bytes;     // of the records put
    std::uint64_t queued;  // msgs in the queue then
  };
  Applied apply(const ChangeSet& changes, MDB_txn* txn);

  const LmdbEnv& env_;
  std::uint64_t queued_ = 0;  // msgs in the queue
  FileRoom room_;
  // One value each, kept for their memory.
  std::string buffer_;
  std::string queue_buffer_;
};

}  // namespace pena::store
