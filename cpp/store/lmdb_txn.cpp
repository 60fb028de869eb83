// The transactions of store/lmdb_env.hpp.
#include <lmdb.h>

#include <utility>

#include "store/lmdb_env.hpp"

namespace pena::store {

ReadTxn::ReadTxn(const LmdbEnv& env) {
  env.check_process();
  env.files().check_length();
  if (env.lacks_tables()) env.look_for_tables();
  map_stays_ = std::shared_lock(env.map_);
  int code = mdb_txn_begin(env.get(), nullptr, MDB_RDONLY, &txn_);
  if (code == MDB_MAP_RESIZED) {
    map_stays_.unlock();
    env.follow_map();
    map_stays_.lock();
    code = mdb_txn_begin(env.get(), nullptr, MDB_RDONLY, &txn_);
  }
  if (code != 0) throw_lmdb("cannot read the store " + env.path(), code);
}

ReadTxn::~ReadTxn() {
  mdb_txn_abort(txn_);
}

WriteTxn::WriteTxn(const LmdbEnv& env) : env_(env) {
  env.check_process();
  env.files().check();
  const int code = mdb_txn_begin(env.get(), nullptr, 0, &txn_);
  if (code != 0) throw_lmdb("cannot write to the store " + env.path(), code);
}

WriteTxn::~WriteTxn() {
  if (txn_ != nullptr) mdb_txn_abort(txn_);
}

void WriteTxn::commit() {
  const int code = mdb_txn_commit(std::exchange(txn_, nullptr));
  if (code != 0) throw_lmdb("cannot commit to the store", code, env_.folder());
}

}  // namespace pena::store
