#include "wire/header_guard.hpp"

#include <algorithm>
#include <cctype>

#include "wire/quote.hpp"

namespace pena::wire {
namespace {

bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

std::vector<std::string_view> values_of(const RequestHead& head, std::string_view name) {
  std::vector<std::string_view> values;
  for (const HeaderField& field : head.fields) {
    if (same(field.name, name)) values.push_back(field.value);
  }
  return values;
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char letter) {
    return (letter < 0x20 && letter != '\t') || letter == 0x7f;
  });
}

std::optional<Refusal> guard_fields(const RequestHead& head) {
  const auto refuse = [](const std::string& sentence) {
    return Refusal{400, sentence};
  };
  if (head.target.empty() || head.target.front() != '/') {
    return refuse("the target is " + quote(head.target) + "; expected a path that begins with /");
  }
  if (has_control(head.target)) return refuse("the target has a control character in it");
  for (const HeaderField& field : head.fields) {
    if (has_control(field.name) || has_control(field.value)) {
      return refuse("the header field " + quote(field.name) +
                    " has a control character or goes on in a second line; expected one line");
    }
  }
  return std::nullopt;
}

std::optional<Refusal> guard_length(const RequestHead& head) {
  const auto encodings = values_of(head, "Transfer-Encoding");
  const auto lengths = values_of(head, "Content-Length");
  if (!encodings.empty()) {
    if (encodings.size() > 1 || !same(encodings.front(), "chunked")) {
      return Refusal{400, "Transfer-Encoding is " + quote(encodings.front()) +
                              (encodings.size() > 1 ? " and more" : "") +
                              "; expected chunked, once, or none"};
    }
    if (head.version < 11) {
      return Refusal{400, "Transfer-Encoding stands in a request of HTTP/1.0; expected HTTP/1.1"};
    }
    if (!lengths.empty()) {
      return Refusal{400, "Transfer-Encoding and Content-Length are both given; expected one"};
    }
  }
  if (lengths.size() > 1) return Refusal{400, "Content-Length is given twice; expected it once"};
  if (lengths.size() == 1 &&
      (lengths.front().empty() ||
       lengths.front().find_first_not_of("0123456789") != std::string_view::npos)) {
    return Refusal{400, "Content-Length is " + quote(lengths.front()) + "; expected a number"};
  }
  return std::nullopt;
}

bool is_one_of(std::string_view host, const std::vector<std::string>& hosts) {
  return std::any_of(hosts.begin(), hosts.end(), [&](const std::string& known) {
    // Also without its port: a port-forward or a proxy changes it.
    const auto port = known.rfind(':');
    return same(host, known) || same(host, std::string_view{known}.substr(0, port));
  });
}

std::optional<Refusal> guard_host(const RequestHead& head, const GuardRules& rules) {
  const auto hosts = values_of(head, "Host");
  if (hosts.size() > 1) return Refusal{400, "Host is given twice; expected it once"};
  if (hosts.empty() && head.version >= 11) {
    return Refusal{400, "Host is missing; expected it once in HTTP/1.1"};
  }
  if (!hosts.empty() && !rules.hosts.empty() && !is_one_of(hosts.front(), rules.hosts)) {
    return Refusal{403, "the Host " + quote(hosts.front()) + " is not this server's; expected " +
                            rules.hosts.front()};
  }
  const auto origins = values_of(head, "Origin");
  for (const std::string_view origin : origins) {
    const auto scheme = origin.find("://");
    const std::string_view from =
        scheme == std::string_view::npos ? origin : origin.substr(scheme + 3);
    const bool own = rules.hosts.empty()
                         ? !hosts.empty() && same(from, hosts.front())
                         : std::any_of(rules.hosts.begin(), rules.hosts.end(),
                                       [&](const std::string& known) { return same(from, known); });
    if (!own) {
      return Refusal{403, "a page of " + quote(origin) + " may not use this server"};
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> guard_head(const RequestHead& head, const GuardRules& rules) {
  if (auto refusal = guard_fields(head)) return refusal;
  if (auto refusal = guard_length(head)) return refusal;
  return guard_host(head, rules);
}

}  // namespace pena::wire
