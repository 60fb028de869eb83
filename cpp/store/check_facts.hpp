// All that a store says, read record by record for `pena check`. What a record by itself tells is looked at
// here; what only several of them tell is the matter of store/check.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/msg.hpp"
#include "store/check.hpp"
#include "store/format.hpp"
#include "store/lmdb_env.hpp"

namespace pena::store {

// A msg where it is. Of a record that cannot be read only the id and the bucket are known.
struct Found {
  core::Xid id;
  const char* bucket;
  core::QueueNumber queue = core::kDefaultQueue;
  std::int64_t due_us = 0;  // in `later`
  std::uint64_t order = 0;  // in `report` and `fail`
};
struct FoundKey {
  std::string key;  // as the table `key` has it
  core::Xid id;
  auto operator<=>(const FoundKey&) const = default;
};
struct Settled {
  std::uint64_t order;
  core::Xid id;
};

// Problems beyond some number are not told.
void add_problem(CheckReport& report, std::string bucket, std::string id, std::string what);

struct Facts {
  CheckReport report;
  bool still = true;             // nothing was written while it was read
  std::set<Table> unread;        // tables of which something could not be read
  std::vector<Found> msgs;       // of all buckets
  std::vector<FoundKey> called;  // msgs that have a key
  std::vector<FoundKey> keys;    // the table `key`
  std::vector<std::pair<core::Xid, Place>> places;
  std::vector<Settled> reported;
  std::vector<Settled> failed;
  std::vector<QueueInfo> queues;
  std::vector<std::pair<core::Xid, core::Xid>>
      overlaps;  // a record, and the id that one before has
  core::Xid last_batch;
};

// In short read transactions: what is there when it begins may have moved when it ends.
[[nodiscard]] Facts read_facts(const LmdbEnv& env);

}  // namespace pena::store
