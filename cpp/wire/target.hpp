// What a request asks for: its target in whatever form it comes (RFC 9112, 3.2), and the host that
// it names.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "wire/outcome.hpp"

namespace pena::wire {

struct Target {
  std::string path;                      // begins with /, or is * (of OPTIONS alone)
  std::string query;                     // without the question mark
  std::optional<std::string> authority;  // of an absolute target: it goes before `Host`
};

// Takes "/path?query", "http://host/path?query" and, of OPTIONS, "*". Letters that need no %XX are
// decoded in the path, so /%74ask is /task. 400 for everything else.
Outcome<Target> read_target(std::string_view method, std::string_view target);

struct Authority {
  std::string_view host;  // a name or an address; an IPv6 address in its brackets
  std::string_view port;  // digits, or empty
};
// Nothing where it is no host[:port] by RFC 3986, 3.2.
[[nodiscard]] std::optional<Authority> read_authority(std::string_view text);

// An IPv4 address of four numbers, or whatever stands in brackets.
[[nodiscard]] bool is_address(std::string_view host);

}  // namespace pena::wire
