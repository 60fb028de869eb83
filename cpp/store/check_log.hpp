// The log in front of a store, for `pena check`.
#pragma once

#include "store/check.hpp"
#include "store/lmdb_env.hpp"

namespace pena::store {

// Adds to `report` what the log has and the store does not have yet, so that it counts the msgs as the next
// start will; and what is wrong with the log. Changes nothing. Not beside a server, which writes into it.
void check_log(const LmdbEnv& env, CheckReport& report);

}  // namespace pena::store
