// What became of every msg of a run, and whether it adds up. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "cli/evidence.hpp"
#include "core/msg.hpp"

namespace pena::cli {

struct Story {
  // As the run was set up and went; not judged.
  std::uint64_t seed = 0;
  std::uint32_t clients = 0;
  double seconds = 0.0;
  std::uint64_t batches = 0;
  std::uint64_t clients_ended = 0;  // R15
  std::uint64_t panicked = 0;       // R14
  std::string store;                // where it was kept; empty: it was not

  // As the evidence says.
  bool interrupted = false;
  std::uint64_t generated = 0, sent = 0, reported = 0, failed = 0;
  std::uint64_t waiting = 0;  // in queue, later and batch, when it was interrupted
  std::uint64_t resent = 0;
  std::map<core::MissReason, std::uint64_t> resent_because;  // every reason, also those with 0
  int most_attempts = 0;                                     // max_resends + 1
  std::uint32_t harmless_up_to = 0;
  std::uint64_t harmless = 0, harmless_failed = 0;
  std::vector<std::string> problems;  // one sentence each for what does not add up

  [[nodiscard]] bool adds_up() const { return problems.empty(); }
};

[[nodiscard]] Story story_of(const Evidence& evidence);
// Several lines for a person.
[[nodiscard]] std::string told(const Story& story);

}  // namespace pena::cli
