#include "cli/quantity.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <span>

namespace pena::cli {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// Ascending, so that the last one which divides a number is the shortest way to write it.
constexpr std::array<Unit, 5> kTimes{{{"ms", 1'000},
                                      {"s", 1'000'000},
                                      {"m", 60'000'000},
                                      {"h", 3'600'000'000},
                                      {"d", 86'400'000'000}}};
constexpr std::array<Unit, 5> kSizes{{{"B", 1},
                                      {"KiB", std::uint64_t{1} << 10U},
                                      {"MiB", std::uint64_t{1} << 20U},
                                      {"GiB", std::uint64_t{1} << 30U},
                                      {"TiB", std::uint64_t{1} << 40U}}};

std::optional<std::uint64_t> quantity_from(std::string_view text, std::span<const Unit> units,
                                           std::uint64_t most) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view name{rest, static_cast<std::size_t>(end - rest)};
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    if (number > most / unit.factor) return std::nullopt;
    return number * unit.factor;
  }
  return std::nullopt;
}

std::string written_in(std::uint64_t value, std::span<const Unit> units) {
  const Unit* largest = &units.front();
  for (const Unit& unit : units) {
    if (value != 0 && value % unit.factor == 0) largest = &unit;
  }
  return std::to_string(value / largest->factor) + std::string{largest->name};
}

}  // namespace

std::optional<core::Duration> duration_from(std::string_view text) {
  constexpr auto kMost =
      static_cast<std::uint64_t>(std::numeric_limits<core::Duration::rep>::max());
  const auto us = quantity_from(text, kTimes, kMost);
  if (!us) return std::nullopt;
  return core::Duration{static_cast<core::Duration::rep>(*us)};
}

std::string written(core::Duration duration) {
  return written_in(static_cast<std::uint64_t>(duration.count()), kTimes);
}

std::optional<std::size_t> size_from(std::string_view text) {
  return quantity_from(text, kSizes, std::numeric_limits<std::size_t>::max());
}

std::string written(const core::Keep& keep) {
  if (keep.time) return written(*keep.time);
  return keep.msgs ? std::to_string(*keep.msgs) : "for ever";
}

std::string written_size(std::size_t bytes) {
  return written_in(bytes, kSizes);
}

}  // namespace pena::cli
