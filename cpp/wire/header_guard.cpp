#include "wire/header_guard.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "wire/http_text.hpp"
#include "wire/quote.hpp"

namespace pena::wire {
namespace {

// One kind of field: the value it has first, and how often it stands there.
struct Seen {
  std::string_view name;
  std::string_view value = {};
  std::size_t count = 0;
};

// What the guard looks at, found in one pass.
struct Fields {
  explicit Fields(const RequestHead& head) {
    for (const HeaderField& field : head.fields) {
      for (Seen* seen : {&host, &length, &encoding, &coding, &origin, &expect, &fetch_site,
                         &fetch_mode, &fetch_dest}) {
        if (!same_text(field.name, seen->name)) continue;
        if (seen->count++ == 0) seen->value = field.value;
      }
      if (!same_text(field.name, "Connection")) continue;
      closes = closes || lists_word(field.value, "close");
      keeps = keeps || lists_word(field.value, "keep-alive");
    }
  }

  Seen host{"Host"}, length{"Content-Length"}, encoding{"Transfer-Encoding"},
      coding{"Content-Encoding"}, origin{"Origin"}, expect{"Expect"}, fetch_site{"Sec-Fetch-Site"},
      fetch_mode{"Sec-Fetch-Mode"}, fetch_dest{"Sec-Fetch-Dest"};
  bool closes = false, keeps = false;
};

std::optional<Refusal> guard_method(std::string_view method) {
  // Those of RFC 9110 and 5789 but CONNECT, for this is no proxy: they get 405 where they do not
  // go with a path.
  constexpr std::array<std::string_view, 8> kKnown{"GET",    "HEAD",    "POST",  "PUT",
                                                   "DELETE", "OPTIONS", "TRACE", "PATCH"};
  if (std::find(kKnown.begin(), kKnown.end(), method) != kKnown.end()) return std::nullopt;
  return Refusal{501, "the method " + quote(method) +
                          " is not known; expected GET, HEAD, POST, DELETE or OPTIONS"};
}

std::optional<Refusal> guard_lines(const RequestHead& head) {
  for (const HeaderField& field : head.fields) {
    if (has_control(field.value)) {
      return Refusal{400, "the header field " + quote(field.name) + " has a control character"};
    }
  }
  return std::nullopt;
}

std::optional<Refusal> guard_encoding(const Fields& fields, unsigned version) {
  const std::string_view value = fields.encoding.value;
  const auto comma = value.rfind(',');
  const std::string_view others = comma == std::string_view::npos ? "" : value.substr(0, comma);
  const std::string_view last =
      comma == std::string_view::npos
          ? value
          : value.substr(std::min(value.find_first_not_of(" \t", comma + 1), value.size()));
  if (version < 11) {
    return Refusal{400, "Transfer-Encoding stands in a request of HTTP/1.0; expected HTTP/1.1"};
  }
  if (fields.length.count > 0) {
    return Refusal{400, "Transfer-Encoding and Content-Length are both given; expected one"};
  }
  if (fields.encoding.count > 1 || !same_text(last, "chunked") || lists_word(others, "chunked")) {
    return Refusal{400, "Transfer-Encoding is " + quote(value) +
                            (fields.encoding.count > 1 ? " and more" : "") +
                            "; expected chunked, once, or none"};
  }
  if (comma != std::string_view::npos) {
    return Refusal{501, "Transfer-Encoding is " + quote(value) + "; expected chunked alone"};
  }
  return std::nullopt;
}

Outcome<std::size_t> read_length(const Seen& field, std::size_t most) {
  if (field.count > 1) return Refusal{400, "Content-Length is given twice; expected it once"};
  if (field.count == 0) return std::size_t{0};
  const std::string_view text = field.value;
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) {
    return Refusal{400, "Content-Length is " + quote(text) + "; expected a number"};
  }
  std::size_t length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (error != std::errc{} || length > most) {
    return Refusal{
        413, "the body has " + quote(text) + " bytes; expected at most " + std::to_string(most)};
  }
  return length;
}

bool is_one_of(std::string_view host, const std::vector<std::string>& names) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return same_text(host, name); });
}

bool has_suffix(std::string_view host, std::string_view suffix) {
  return host.size() > suffix.size() && same_text(host.substr(host.size() - suffix.size()), suffix);
}

// Cannot be the name of a stranger's page that was led here by DNS: an address is not looked up, and
// what public DNS has a name for has a dot in it, and ends in neither of those two.
bool is_safe(std::string_view host) {
  return is_address(host) || host.find('.') == std::string_view::npos ||
         same_text(host, "localhost.") || has_suffix(host, ".localhost") ||
         has_suffix(host, ".internal");
}

// Host and port, the port of the scheme left out.
struct Place {
  std::string_view host, port;
};

Place place_of(const Authority& authority, std::string_view usual_port) {
  return {authority.host, authority.port == usual_port ? "" : authority.port};
}

bool is_own_page(std::string_view origin, const std::optional<Authority>& asked,
                 const GuardRules& rules) {
  const auto scheme = origin.find("://");
  if (scheme == std::string_view::npos) return false;  // "null", for one
  const bool secure = same_text(origin.substr(0, scheme), "https");
  if (!secure && !same_text(origin.substr(0, scheme), "http")) return false;
  const auto from = read_authority(origin.substr(scheme + 3));
  if (!from) return false;
  if (is_one_of(from->host, rules.names)) return true;
  if (!asked) return false;
  const std::string_view usual_port = secure ? "443" : "80";
  const Place page = place_of(*from, usual_port);
  const Place here = place_of(*asked, usual_port);
  return same_text(page.host, here.host) && page.port == here.port;
}

std::optional<Refusal> guard_page(const Fields& fields, const std::optional<Authority>& asked,
                                  const GuardRules& rules) {
  if (fields.origin.count > 0) {
    if (fields.origin.count == 1 && is_own_page(fields.origin.value, asked, rules)) {
      return std::nullopt;
    }
    return Refusal{403, "a page of " + quote(fields.origin.value) + " may not use this server"};
  }
  // An <img> of a foreign page sends no Origin, and would take work all the same. A link or a
  // bookmark that somebody opens is no such thing.
  const std::string_view site = fields.fetch_site.value;
  const bool is_foreign = same_text(site, "cross-site") || same_text(site, "same-site");
  const bool is_opened = same_text(fields.fetch_mode.value, "navigate") &&
                         same_text(fields.fetch_dest.value, "document");
  if (is_foreign && !is_opened) {
    return Refusal{403, "a page of another site may not use this server"};
  }
  return std::nullopt;
}

std::optional<Refusal> guard_host(const Fields& fields, const RequestHead& head,
                                  const Target& target, const GuardRules& rules) {
  if (fields.host.count > 1) return Refusal{400, "Host is given twice; expected it once"};
  if (fields.host.count == 0 && head.version >= 11) {
    return Refusal{400, "Host is missing; expected it once in HTTP/1.1"};
  }
  std::optional<Authority> asked;
  if (fields.host.count == 1) {
    asked = read_authority(fields.host.value);
    if (!asked) {
      return Refusal{400, "the Host is " + quote(fields.host.value) +
                              "; expected a name or an address, and perhaps a port"};
    }
  }
  if (target.authority) asked = read_authority(*target.authority);
  if (asked && !rules.any_host && !is_safe(asked->host) && !is_one_of(asked->host, rules.names)) {
    return Refusal{403, "the Host " + quote(asked->host) +
                            " is not one that this server answers to; expected localhost, an "
                            "address, a name without a dot, or one given by --allow-host"};
  }
  return guard_page(fields, asked, rules);
}

}  // namespace

Outcome<Admitted> guard_head(const RequestHead& head, const GuardRules& rules,
                             const core::Limits& limits) {
  const Fields fields{head};
  if (auto refusal = guard_method(head.method)) return *std::move(refusal);
  if (auto refusal = guard_lines(head)) return *std::move(refusal);
  auto target = read_target(head.method, head.target);
  if (!target) return target.refusal();
  Admitted admitted;
  admitted.is_chunked = fields.encoding.count > 0;
  if (admitted.is_chunked) {
    if (auto refusal = guard_encoding(fields, head.version)) return *std::move(refusal);
  }
  const auto length = read_length(fields.length, limits.body_bytes);
  if (!length) return length.refusal();
  if (fields.coding.count > 0 && !same_text(fields.coding.value, "identity")) {
    return Refusal{415, "Content-Encoding is " + quote(fields.coding.value) + "; expected none"};
  }
  if (auto refusal = guard_host(fields, head, *target, rules)) return *std::move(refusal);
  admitted.target = *std::move(target);
  admitted.length = *length;
  admitted.keep_alive = !fields.closes && (head.version >= 11 || fields.keeps);
  admitted.expects_continue = head.version >= 11 && lists_word(fields.expect.value, "100-continue");
  return admitted;
}

bool is_rule_name(std::string_view name) {
  const auto read = read_authority(name);
  return read && read->host == name && !name.ends_with('.');
}

}  // namespace pena::wire
