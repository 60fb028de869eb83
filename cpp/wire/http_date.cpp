#include "wire/http_date.hpp"

#include <array>
#include <chrono>
#include <string_view>

namespace pena::wire {
namespace {

void append_two(std::string& text, std::int64_t number) {
  text += static_cast<char>('0' + number / 10);
  text += static_cast<char>('0' + number % 10);
}

}  // namespace

std::string http_date(std::int64_t unix_seconds) {
  using std::chrono::days;
  constexpr std::array<std::string_view, 7> kWeekdays{"Sun", "Mon", "Tue", "Wed",
                                                      "Thu", "Fri", "Sat"};
  constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
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

}  // namespace pena::wire
