// `pena check`: what a store holds, held against the laws that every commit keeps.
#pragma once

#include <string>
#include <vector>

#include "store/records.hpp"

namespace pena::store {

struct CheckProblem {
  std::string bucket;  // "queue", "batch", "report", "fail", "meta", or "page" for one of LMDB's
  std::string id;      // of the record; of bytes that are no id, in hex; of a page its number
  std::string what;    // a sentence
};

struct CheckReport {
  BucketCounts msgs;  // of the records that could be read
  std::uint64_t batches = 0;
  std::vector<CheckProblem> problems;
};

// Looks at every page first; where one is damaged, that is all that is told, for no record can be
// read safely then. Reads every record: its checksum and form, whether its attempts follow one
// another, whether a msg is in two places, and whether `meta` is there. Short read transactions: a
// running server may go on, though then its count of the queue is not compared; nothing is changed.
// Errors: StoreError where the store cannot be opened at all.
[[nodiscard]] CheckReport check_lmdb_store(const std::string& path);

}  // namespace pena::store
