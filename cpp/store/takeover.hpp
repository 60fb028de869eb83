// How a store of an older schema becomes one of this: by the server that opens it, before all else.
#pragma once

#include "store/lmdb_env.hpp"

namespace pena::store {

// One transaction of it. False where nothing is left to be done. Errors: StoreError.
bool take_over_some(const LmdbEnv& env);
inline void take_over(const LmdbEnv& env) {
  while (take_over_some(env)) {
  }
}

}  // namespace pena::store
