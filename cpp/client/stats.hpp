// What a client counts, and the list of it: from it come the dict and the class in Python, the JSON of
// `pena client`, and docs/settings.md.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/client_counts.hpp"

namespace pena::client {

struct ClientStats : core::ClientCounts {
  std::uint64_t reported = 0, duplicate = 0, unknown = 0;  // ids, as the server answered
};

struct ClientStat {
  std::string_view name;  // in Python and in JSON
  std::uint64_t ClientStats::*field;
  std::string_view help;
  bool now = false;  // says nothing of a client that has ended
};

[[nodiscard]] std::span<const ClientStat> all_client_stats();

}  // namespace pena::client
