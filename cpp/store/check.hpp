// `pena check`: what a store holds, held against the laws that every commit keeps.
#pragma once

#include <string>
#include <vector>

#include "store/records.hpp"

namespace pena::store {

struct CheckProblem {
  std::string bucket;  // a table of store/format.hpp, "page" for one of LMDB's, or "log"
  std::string id;      // of the record; of bytes that are no id, in hex; of a page its number
  std::string what;    // a sentence
};

struct CheckReport {
  BucketCounts msgs;  // of the records that could be read
  std::uint64_t batches = 0;
  std::uint64_t logged = 0;  // change sets of the log that the store does not have yet
  std::vector<CheckProblem> problems;
};

// Looks at every page first; where one is damaged, that is all that is told, for no record can be
// read safely then. Reads every record: its checksum and form, whether its attempts follow one
// another, whether a msg is in two places, whether places, keys, counts and the order of settling are
// those of the msgs, and whether `meta` is there. Short read transactions: a running server may go on,
// though then what is said of msgs elsewhere is not compared; nothing is changed. Of a store of an older
// schema what it does not have is not missed. What a crash left in the log is read and counted, too.
// Errors: StoreError where the store cannot be opened at all.
[[nodiscard]] CheckReport check_lmdb_store(const std::string& path);

}  // namespace pena::store
