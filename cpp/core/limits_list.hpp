// Every limit once: its name, its bounds, its option, and what it is for. From this list come the check
// of `Limits`, the options of the command with their help, the attributes in Python and their stub, and
// docs/settings.md. The defaults are those of the structs.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <utility>
#include <variant>

#include "core/limits.hpp"

namespace pena::core {

struct Limit {
  using Field =
      std::variant<int Limits::*, std::uint32_t Limits::*, std::size_t Limits::*, double Limits::*,
                   Duration Limits::*, Keep Limits::*, Duration Timing::*, double Timing::*>;
  enum class Unit {
    number,
    bytes,
    time,   // longer than 0 where `least` is not 0, and at most a year
    share,  // above 0 and at most 1
    drift,  // at least 0 and below 0.1
    keep,   // a time longer than 0 and at most a year, or a number of msgs, or neither
  };
  enum class Place {
    rule,    // an argument of pena.Server
    limit,   // one of its `limits`
    inside,  // not for users
  };
  // Far from where a sum would run over, and beyond what a machine has.
  static constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 46U;
  static constexpr std::uint64_t kNoMost = std::numeric_limits<std::uint64_t>::max();

  std::string_view name;  // in Python, and in the engine's sentences
  Field field;
  Unit unit = Unit::number;
  std::string_view option = {};  // of `pena server`; empty: none
  std::string_view help = {};
  std::uint64_t least = 1;  // of numbers and bytes
  std::uint64_t most = unit == Unit::bytes ? kMostBytes : kNoMost;
  Place place = Place::limit;

  // The highest that its type holds and its bounds allow.
  [[nodiscard]] std::uint64_t highest() const;
};

// In the order of the help.
[[nodiscard]] std::span<const Limit> all_limits();

// Calls with the field of `limits` that `limit` is: a number, a Duration, a double or a Keep.
template <class OfLimits, class Call>
void with_field(OfLimits& limits, const Limit& limit, Call&& call) {
  std::visit(
      [&](auto field) {
        if constexpr (requires { limits.*field; }) {
          std::forward<Call>(call)(limits.*field);
        } else {
          std::forward<Call>(call)(limits.timing.*field);
        }
      },
      limit.field);
}

}  // namespace pena::core
