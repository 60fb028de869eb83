#include "wire/http_date.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

namespace pena::wire {
namespace {

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void append_two(std::string& text, std::int64_t number) {
  text += static_cast<char>('0' + number / 10);
  text += static_cast<char>('0' + number % 10);
}

}  // namespace

std::string http_date(std::int64_t unix_seconds) {
  using std::chrono::days;
  constexpr std::array<std::string_view, 7> kWeekdays{"Sun", "Mon", "Tue", "Wed",
                                                      "Thu", "Fri", "Sat"};
  const std::chrono::sys_seconds at{std::chrono::seconds{unix_seconds}};
  const auto day = std::chrono::floor<days>(at);
  const std::chrono::year_month_day date{day};
  const std::int64_t second = (at - day).count();
  std::string text{kWeekdays.at(std::chrono::weekday{day}.c_encoding())};
  text += ", ";
  append_two(text, static_cast<unsigned>(date.day()));
  text += ' ';
  text += kMonths.at(static_cast<unsigned>(date.month()) - 1);
  text += ' ';
  const int year = static_cast<int>(date.year());
  append_two(text, year / 100);
  append_two(text, year % 100);
  text += ' ';
  append_two(text, second / 3600);
  text += ':';
  append_two(text, second / 60 % 60);
  text += ':';
  append_two(text, second % 60);
  return text + " GMT";
}

std::optional<std::int64_t> parse_http_date(std::string_view text) {
  constexpr std::string_view kForm = "???, 00 ??? 0000 00:00:00 GMT";
  if (text.size() != kForm.size()) return std::nullopt;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool is_digit = text[at] >= '0' && text[at] <= '9';
    if (kForm[at] == '0' ? !is_digit : kForm[at] != '?' && kForm[at] != text[at]) {
      return std::nullopt;
    }
  }
  const auto number = [text](std::size_t at, std::size_t digits) {
    int value = 0;
    for (const char digit : text.substr(at, digits)) value = value * 10 + (digit - '0');
    return value;
  };
  const auto* const month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
  const std::chrono::year_month_day date{
      std::chrono::year{number(12, 4)},
      std::chrono::month{static_cast<unsigned>(month - kMonths.begin()) + 1},
      std::chrono::day{static_cast<unsigned>(number(5, 2))}};
  const int hour = number(17, 2);
  const int minute = number(20, 2);
  const int second = number(23, 2);
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const std::chrono::sys_seconds day{std::chrono::sys_days{date}};
  return day.time_since_epoch().count() + hour * 3600 + minute * 60 + second;
}

}  // namespace pena::wire
