// `pena check`: what a store holds, held against the laws that every commit keeps.
#pragma once

#include <string>
#include <vector>

#include "store/store.hpp"

namespace pena::store {

struct CheckProblem {
  std::string bucket;  // "queue", "batch", "report", "fail" or "meta"
  std::string id;      // of the record; of bytes that are no id, in hex
  std::string what;    // a sentence
};

struct CheckReport {
  BucketCounts msgs;  // of the records that could be read
  std::uint64_t batches = 0;
  std::vector<CheckProblem> problems;
};

// Reads every record: its checksum and form, whether its attempts follow one another, whether a msg
// is in two places, and whether `meta` is there. One read transaction: a running server may go on,
// and nothing is changed. Errors: StoreError where the store cannot be opened at all.
[[nodiscard]] CheckReport check_lmdb_store(const std::string& path);

}  // namespace pena::store
