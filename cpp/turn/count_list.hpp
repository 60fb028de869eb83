// The counts of a dispatcher, each with what people call it: from this list come Python's, the JSON that
// `pena server` ends with, that of GET /stats, and docs/settings.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/counts.hpp"

namespace pena::turn {

struct CountRow {
  enum class Json : std::uint8_t { none, here, missed };  // `missed`: in an object of that name

  std::string_view name;  // in Python
  std::uint64_t core::Counts::*field;
  std::string_view help;
  Json json = Json::none;
  std::string_view key = name;  // in JSON
};

[[nodiscard]] std::span<const CountRow> all_counts();

// {"generated":n, … ,"missed":{…}}
[[nodiscard]] std::string counts_json(const core::Counts& counts);

}  // namespace pena::turn
