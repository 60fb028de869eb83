// The store in one LMDB environment (a folder): buckets `queue`, `batch`, `report`, `fail`, `meta`.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "core/limits.hpp"
#include "store/server_lock.hpp"
#include "store/store.hpp"

namespace pena::store {

// Opens (and creates where missing) the store in the folder `path` for one server. It counts as full
// at `map_bytes`; what becomes of msgs that it has may make it larger, up to twice that or 64 MiB
// more. Its disk counts as low with less than `least_disk_bytes` left. Refuses a store that another
// server has, in this process or another (StoreInUse), one of a newer schema, a file
// that is no store, and a folder on a network file system (StoreError). Counts the boot in `meta`.
[[nodiscard]] std::unique_ptr<Store> open_lmdb_store(
    const std::string& path, std::size_t map_bytes, std::size_t least_disk_bytes = 0,
    ServerLock::For purpose = ServerLock::For::serving);

// What is wrong with such limits where the store is on a disk, naming both sides: a msg with the largest
// payload, and what becomes of it, would find no room even in an empty store.
[[nodiscard]] std::optional<std::string> map_problem(const core::Limits& limits);

// Opens an existing store to look at it, also beside a running server. Never creates or changes
// anything but LMDB's own reader table. Errors: StoreError.
[[nodiscard]] std::unique_ptr<View> open_lmdb_view(const std::string& path);

}  // namespace pena::store
