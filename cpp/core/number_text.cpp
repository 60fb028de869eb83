#include "core/number_text.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>

#include "core/check.hpp"

namespace pena::core {
namespace {

template <class... Format>
std::string written(double value, Format... format) {
  std::array<char, 400> text{};  // the largest double has 309 digits in front of the point
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value, format...);
  PENA_CHECK(error == std::errc{});
  return {text.data(), end};
}

}  // namespace

std::string number_text(double value) {
  return written(value);
}

std::string fixed_text(double value, int digits) {
  return written(value, std::chars_format::fixed, digits);
}

std::string msgs_text(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " msg" : " msgs");
}

std::string date_text(Instant at) {
  // Rounded down, before 1970 as after it: a date and the time since its midnight.
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(at.time_since_epoch());
  const auto days = std::chrono::floor<std::chrono::days>(ms);
  const std::chrono::year_month_day date{std::chrono::sys_days{days}};
  const std::chrono::hh_mm_ss time{ms - days};
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()),
                static_cast<int>(time.subseconds().count()));
  return text.data();
}

}  // namespace pena::core
