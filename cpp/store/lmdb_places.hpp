// Where msgs wait, what they are called, and which queues there are: reads within a transaction, by its
// thread, and the keys of those tables. Errors: StoreError.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/msg.hpp"
#include "store/format.hpp"
#include "store/lmdb_cursor.hpp"
#include "store/lmdb_env.hpp"
#include "store/records.hpp"

namespace pena::store {

struct LaterKey {
  core::Instant due_at;
  core::Xid id;
  [[nodiscard]] std::string bytes() const;
  [[nodiscard]] static LaterKey of(std::string_view bytes);
};

[[nodiscard]] std::string key_of_key(core::QueueNumber queue, std::string_view key);

[[nodiscard]] std::optional<Place> place_of(const LmdbEnv& env, MDB_txn* txn, const core::Xid& id);
[[nodiscard]] std::optional<core::Xid> id_of_key(const LmdbEnv& env, MDB_txn* txn,
                                                 core::QueueNumber queue, std::string_view key);
// That waits, wherever it does.
[[nodiscard]] std::optional<core::QueuedMsg> waiting_msg(const LmdbEnv& env, MDB_txn* txn,
                                                         const core::Xid& id);
// What there is of a msg of queue, later, report or fail.
[[nodiscard]] std::optional<AnyRecord> any_record(const LmdbEnv& env, MDB_txn* txn,
                                                  const core::Xid& id);
// Of the msgs of all queues, or of those that are to be due: `bucket` is Bucket::queue or Bucket::later.
[[nodiscard]] Page<core::Xid> waiting_ids(const LmdbEnv& env, MDB_txn* txn, Bucket bucket,
                                          const std::optional<core::Xid>& after, std::size_t limit);

// All that it has, also those with nothing in them; of an older store the one queue that it had.
[[nodiscard]] std::vector<QueueInfo> queue_infos(const LmdbEnv& env, MDB_txn* txn);

// As View has them.
[[nodiscard]] std::string queue_name(const LmdbEnv& env, MDB_txn* txn, core::QueueNumber queue);
[[nodiscard]] std::optional<core::QueueNumber> find_queue(const LmdbEnv& env, MDB_txn* txn,
                                                          std::string_view name);

// Of this schema or of one that lacks nothing of it, and nothing is left to be taken over.
[[nodiscard]] bool is_whole(const LmdbEnv& env, MDB_txn* txn);
// Throws where it is not: such a store does not know in which order msgs were settled.
void refuse_unordered(const LmdbEnv& env, MDB_txn* txn);

}  // namespace pena::store
