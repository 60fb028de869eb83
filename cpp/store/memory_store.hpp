// The store in memory: for tests, simulation and servers that keep nothing. Passes the same
// contract tests as LMDB.
#pragma once

#include <memory>
#include <optional>

#include "store/store.hpp"

namespace pena::store {

// `failing_commit`: the number of the commit, from 1, that fails as a full disk would; none: no one
// does.
[[nodiscard]] std::unique_ptr<Store> make_memory_store(
    std::optional<int> failing_commit = std::nullopt);

}  // namespace pena::store
