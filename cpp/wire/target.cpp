#include "wire/target.hpp"

#include <algorithm>

#include "wire/digit.hpp"
#include "wire/hex_digit.hpp"
#include "wire/http_text.hpp"
#include "wire/quote.hpp"

namespace pena::wire {
namespace {

bool is_letter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
}

bool is_unreserved(char letter) {
  return is_letter(letter) || is_digit(letter) || letter == '-' || letter == '.' || letter == '_' ||
         letter == '~';
}

// %XX at `at`, or nothing where it is none.
std::optional<char> escaped(std::string_view text, std::size_t at) {
  const std::uint32_t byte = hex_byte(text, at + 1);
  if (byte > 0xff) return std::nullopt;
  return static_cast<char>(byte);
}

// Nothing where a % has no two digits behind it.
std::optional<std::string> normal_path(std::string_view path) {
  const std::size_t plain = std::min(path.find('%'), path.size());
  std::string normal{path.substr(0, plain)};
  for (std::size_t i = plain; i < path.size(); ++i) {
    if (path[i] != '%') {
      normal += path[i];
      continue;
    }
    const auto letter = escaped(path, i);
    if (!letter) return std::nullopt;
    if (is_unreserved(*letter)) {
      normal += *letter;
    } else {
      normal += path.substr(i, 3);
    }
    i += 2;
  }
  return normal;
}

bool is_host_name(std::string_view host) {
  constexpr std::string_view kMarks = "!$&'()*+,;=";
  for (std::size_t i = 0; i < host.size(); ++i) {
    if (is_unreserved(host[i]) || kMarks.find(host[i]) != std::string_view::npos) continue;
    if (host[i] != '%' || !escaped(host, i)) return false;
    i += 2;
  }
  return !host.empty();
}

// Roughly: what can stand in brackets is no name, and that is what counts.
bool is_bracketed_address(std::string_view host) {
  if (host.size() < 4 || host.front() != '[' || host.back() != ']') return false;
  const std::string_view inside = host.substr(1, host.size() - 2);
  const std::string_view address = inside.substr(0, inside.find('%'));  // a zone may follow
  return std::count(address.begin(), address.end(), ':') >= 2 &&
         std::all_of(address.begin(), address.end(),
                     [](char letter) {
                       return hex_value(letter) != kNoHexDigit || letter == ':' || letter == '.';
                     }) &&
         std::all_of(inside.begin(), inside.end(), [](char letter) {
           return is_unreserved(letter) || letter == ':' || letter == '%';
         });
}

}  // namespace

Outcome<Target> read_target(std::string_view method, std::string_view target) {
  const auto refuse = [&](std::string_view expected) {
    return Refusal{400, "the target is " + quote(target) + "; expected " + std::string{expected}};
  };
  constexpr std::string_view kShape = "a path that begins with /, or http:// and a host before it";
  if (target == "*" && method == "OPTIONS") return Target{"*", {}, {}};
  if (target.empty() || has_control(target)) return refuse(kShape);
  if (target.find('#') != std::string_view::npos) return refuse("none of #, which stays at home");
  Target read;
  std::string_view rest = target;
  if (rest.front() != '/') {
    const auto scheme = rest.find("://");
    const bool known =
        scheme != std::string_view::npos &&
        (same_text(rest.substr(0, scheme), "http") || same_text(rest.substr(0, scheme), "https"));
    if (!known) return refuse(kShape);
    rest.remove_prefix(scheme + 3);
    const auto end = std::min(rest.find_first_of("/?"), rest.size());
    if (!read_authority(rest.substr(0, end))) return refuse(kShape);
    read.authority = rest.substr(0, end);
    rest.remove_prefix(end);
  }
  const auto mark = std::min(rest.find('?'), rest.size());
  auto path = normal_path(rest.substr(0, mark));
  if (!path) return refuse("two hexadecimal digits behind each %");
  read.path = *std::move(path);
  if (read.path.empty()) read.path = method == "OPTIONS" ? "*" : "/";
  read.query = rest.substr(std::min(mark + 1, rest.size()));
  return read;
}

std::optional<Authority> read_authority(std::string_view text) {
  const auto bracket = text.starts_with('[') ? text.find(']') : std::string_view::npos;
  const auto colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  Authority read{text.substr(0, colon), {}};
  if (colon != std::string_view::npos) read.port = text.substr(colon + 1);
  if (!std::all_of(read.port.begin(), read.port.end(), is_digit) || read.port.size() > 5) {
    return std::nullopt;
  }
  if (!is_host_name(read.host) && !is_bracketed_address(read.host)) return std::nullopt;
  return read;
}

bool is_address(std::string_view host) {
  if (host.starts_with('[')) return true;
  int numbers = 0;
  while (true) {
    const auto end = std::min(host.find('.'), host.size());
    const std::string_view number = host.substr(0, end);
    int value = 0;
    for (const char digit : number) {
      if (!is_digit(digit)) return false;
      value = value * 10 + (digit - '0');
      if (value > 255) return false;
    }
    if (number.empty() || number.size() > 3) return false;
    ++numbers;
    if (end == host.size()) return numbers == 4;
    host.remove_prefix(end + 1);
  }
}

}  // namespace pena::wire
