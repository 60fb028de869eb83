// What a server counts, and the list of it: the counts of turn/count_list.hpp, and what the server has of its
// own.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "core/counts.hpp"
#include "turn/count_list.hpp"

namespace pena::server {

struct Stats {
  core::Counts counts;
  std::uint64_t connections = 0;           // now, streams included
  std::uint64_t logged = 0, past_log = 0;  // change sets
  std::uint64_t log_waiting = 0;           // bytes, now
  bool generating = false;
  std::string waiting;  // what must come before anything moves on ("a client"); empty: nothing
};

struct Stat {
  using Field = std::variant<std::uint64_t core::Counts::*, std::uint64_t Stats::*, bool Stats::*,
                             std::string Stats::*>;
  using Json = turn::CountRow::Json;

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
