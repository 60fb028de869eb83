// The guard in front of a request's body: refuses what Beast lets through and a proxy may read
// otherwise (request smuggling). Free of Beast: it sees names and values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/outcome.hpp"

namespace pena::wire {

struct HeaderField {
  std::string_view name;
  std::string_view value;
};

struct RequestHead {
  std::string_view method;
  std::string_view target;
  unsigned version = 11;            // 10 or 11
  std::vector<HeaderField> fields;  // in order, repeated ones kept
};

struct GuardRules {
  std::vector<std::string> hosts;  // host[:port] that name this server; empty: any Host is taken
};

// Refuses with 400: no Host or two (in HTTP/1.1), Transfer-Encoding other than exactly `chunked`,
// together with Content-Length, repeated, or in HTTP/1.0; Content-Length repeated or not decimal;
// a target that is not in origin form; a field name or value with a control character. (Folded lines
// Beast has joined by then, as RFC 9112, 5.2 allows.)
// Refuses with 403: an Origin that is not this server's own, a Host that is not one of
// `rules.hosts`.
[[nodiscard]] std::optional<Refusal> guard_head(const RequestHead& head, const GuardRules& rules);

}  // namespace pena::wire
