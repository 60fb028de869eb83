// What a server counts, and the list of it: from it come the dict and the class in Python, the JSON that
// `pena server` ends with, and docs/settings.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "core/dispatcher.hpp"

namespace pena::server {

struct Stats {
  core::Counts counts;
  std::uint64_t connections = 0;  // now, streams included
  bool generating = false;
  std::string waiting;  // what must come before anything moves on ("a client"); empty: nothing
};

struct Stat {
  using Field = std::variant<std::uint64_t core::Counts::*, std::uint64_t Stats::*, bool Stats::*,
                             std::string Stats::*>;
  enum class Json { none, here, missed };  // `missed`: in an object of that name

  std::string_view name;  // in Python
  Field field;
  std::string_view help;
  Json json = Json::none;
  std::string_view key = name;  // in JSON
};

[[nodiscard]] std::span<const Stat> all_stats();

// Calls with the value that `stat` is in `stats`.
template <class OfStats, class Call>
void with_field(OfStats& stats, const Stat& stat, Call&& call) {
  std::visit(
      [&](auto field) {
        if constexpr (requires { stats.*field; }) {
          std::forward<Call>(call)(stats.*field);
        } else {
          std::forward<Call>(call)(stats.counts.*field);
        }
      },
      stat.field);
}

}  // namespace pena::server
