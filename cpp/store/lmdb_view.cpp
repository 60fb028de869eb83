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
  BucketCounts counts{queue_length_of(env, txn.get()), 0, records_of(env, txn.get(), Table::report),
                      records_of(env, txn.get(), Table::fail)};
  Cursor cursor(env, txn.get(), Table::batch);
  for (bool there = cursor.first(); there; there = cursor.next()) {
    counts.batch += batch_size(cursor.id(), cursor.value());
  }
  return counts;
}

std::unique_ptr<View> open_lmdb_view(const std::string& path) {
  return std::make_unique<LmdbView>(LmdbEnv::open(path, 0, false));
}

}  // namespace pena::store
