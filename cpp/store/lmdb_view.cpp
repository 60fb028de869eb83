#include "store/lmdb_view.hpp"

#include "store/lmdb_store.hpp"

namespace pena::store {
namespace {

class LmdbView final : public LmdbReading<View> {
 public:
  explicit LmdbView(std::shared_ptr<LmdbEnv> env) : LmdbReading(std::move(env)) {
    refuse_other_schema(index());
  }
};

}  // namespace

BucketCounts count_msgs(const LmdbEnv& env) {
  const ReadTxn txn(env);
  BucketCounts counts;
  for (const QueueInfo& info : queue_infos(env, txn.get())) {
    counts.queue += info.queued;
    counts.later += info.later;
    counts.report += info.reported;
    counts.fail += info.failed;
  }
  Cursor cursor(env, txn.get(), Table::batch);
  for (bool there = cursor.first(); there; there = cursor.next()) {
    counts.batch += batch_size(cursor.id(), cursor.value());
  }
  return counts;
}

Page<core::QueuedMsg> later_page(const LmdbEnv& env, const std::optional<LaterPlace>& after,
                                 Most most) {
  const ReadTxn txn(env);
  KeyCursor cursor(env, txn.get(), Table::later);
  const std::string from = after ? LaterKey{after->due_at, after->id}.bytes() : std::string{};
  bool there = after ? cursor.to_first_from(from) : cursor.first();
  if (there && cursor.key() == from) there = cursor.next();
  Page<core::QueuedMsg> page;
  std::size_t bytes = 0;
  for (; there && page.records.size() < most.records && bytes < most.bytes; there = cursor.next()) {
    bytes += cursor.value().size();
    page.records.push_back(decode_later(LaterKey::of(cursor.key()).id, cursor.value()));
  }
  page.more = there;
  return page;
}

std::unique_ptr<View> open_lmdb_view(const std::string& path) {
  return std::make_unique<LmdbView>(LmdbEnv::open(path, 0, false));
}

}  // namespace pena::store
