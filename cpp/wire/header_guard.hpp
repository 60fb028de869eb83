// The guard in front of a request's body: refuses what Beast lets through and a proxy may read
// otherwise (request smuggling), and whom a page of a stranger sends. Free of Beast: it sees names
// and values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/limits.hpp"
#include "wire/outcome.hpp"
#include "wire/target.hpp"

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

// Whom `Host` and `Origin` may name (docs/protocol.md, Who may call).
struct GuardRules {
  bool any_host = false;           // where the address is open to others anyway
  std::vector<std::string> names;  // beside those that are safe by their form
};

// A request whose head is good: what its head says of the rest.
struct Admitted {
  Target target;
  bool is_chunked = false;
  std::size_t length = 0;  // of the body; unknown yet where it is chunked
  bool keep_alive = true;
  bool expects_continue = false;
};

// Refuses with
//   400: no Host or two (in HTTP/1.1) or one that is none, Transfer-Encoding that does not end in
//        `chunked`, together with Content-Length, repeated, or in HTTP/1.0; Content-Length repeated
//        or not decimal; a target in no known form;
//   403: a Host that this server does not answer to, the page of another origin;
//   413, 415: a body that is too long, or compressed;
//   501: a method or a transfer coding that is not known here.
Outcome<Admitted> guard_head(const RequestHead& head, const GuardRules& rules,
                             const core::Limits& limits);

// Whether the name may stand among GuardRules::names: a host name, without scheme and port.
[[nodiscard]] bool is_rule_name(std::string_view name);

}  // namespace pena::wire
