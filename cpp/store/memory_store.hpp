// The store in memory: for tests and simulation. Passes the same contract tests as LMDB.
#pragma once

#include <memory>

#include "store/store.hpp"

namespace pena::store {

[[nodiscard]] std::unique_ptr<Store> make_memory_store();

}  // namespace pena::store
