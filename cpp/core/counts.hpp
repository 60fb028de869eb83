// What has happened since the dispatcher began, in numbers.
#pragma once

#include <cstdint>

namespace pena::core {

struct Counts {
  std::uint64_t generated = 0, submitted = 0;
  std::uint64_t sent = 0;  // deliveries, resends included
  std::uint64_t resent = 0;
  std::uint64_t reported = 0, failed = 0;
  std::uint64_t omitted = 0, said_failed = 0, refused = 0, dropped = 0, expired = 0;  // misses
  std::uint64_t batches = 0;
  std::uint64_t retried = 0;                         // failed msgs that were to be tried again
  std::uint64_t forgotten = 0;                       // msgs that somebody had deleted
  std::uint64_t swept_reports = 0, swept_fails = 0;  // as --keep-reports and --keep-fails say
  std::uint64_t room_reports = 0;                    // reports that made room for new msgs
  std::uint64_t clients_joined = 0, clients_lost = 0;
  std::uint64_t clients_free = 0, clients_busy = 0;  // now
  std::uint64_t held = 0;                            // msgs, now
  friend bool operator==(const Counts&, const Counts&) = default;
};

}  // namespace pena::core
