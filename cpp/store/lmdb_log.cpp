#include "store/lmdb_log.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "store/error.hpp"
#include "store/format.hpp"
#include "store/lmdb_cursor.hpp"
#include "store/lmdb_places.hpp"
#include "store/lmdb_records.hpp"
#include "store/settled_table.hpp"
#include "store/takeover.hpp"

namespace pena::store {
namespace {

// Of the named queues those that nobody would miss.
std::vector<QueueInfo> without_idle(std::vector<QueueInfo> infos, const LmdbIndex& index,
                                    std::vector<core::QueueNumber>& idle) {
  const auto is_idle = [](QueueInfo info) {
    info.name.clear();
    return info.number >= core::kFirstNamedQueue && !is_worth_telling(info);
  };
  if (std::ranges::none_of(infos, is_idle)) return infos;
  std::set<core::QueueNumber> held;
  for (const core::Batch& batch : index.batches()) {
    for (const core::QueuedMsg& msg : batch.msgs) held.insert(msg.msg.queue);
  }
  std::erase_if(infos, [&](const QueueInfo& info) {
    const bool goes = is_idle(info) && !held.contains(info.number);
    if (goes) idle.push_back(info.number);
    return goes;
  });
  return infos;
}

}  // namespace

LmdbLog::LmdbLog(const LmdbIndex& index) : env_(index.env()) {
  const std::optional<std::uint64_t> boots = index.meta(kBootsKey);
  if (boots) {
    refuse_other_schema(index);  // before the first write
    take_over(env_);
  }
  std::vector<core::QueueNumber> idle;
  if (boots) queues_ = QueueRegistry{without_idle(index.all_queues(), index, idle)};
  WriteTxn txn(env_);
  {
    KeyCursor cursor(env_, txn.get(), Table::queue_info);
    for (const core::QueueNumber number : idle) {
      if (cursor.to(key_of_number(number))) cursor.drop();
    }
  }
  if (number_of(env_, txn.get(), kSchemaKey).value_or(0) < kTailsSchema)
    make_tails(env_, txn.get());
  put_number(env_, txn.get(), kSchemaKey, kSchema);
  put_number(env_, txn.get(), kBootsKey, boots.value_or(0) + 1);
  txn.commit();
}

Written LmdbLog::commit(std::span<const core::Write* const> writes) {
  try {
    WriteTxn txn(env_);
    room_.keep_ahead(env_);
    const Written written = apply(writes, txn.get());
    txn.commit();
    queues_.keep();
    return written;
  } catch (...) {
    queues_.undo();
    buffers_.commit_failed();
    throw;
  }
}

Written LmdbLog::apply(std::span<const core::Write* const> writes, MDB_txn* txn) {
  Applying applying(env_, txn, queues_, buffers_);
  for (const core::Write* const write : writes) std::visit(applying, *write);
  return applying.finish();
}

}  // namespace pena::store
