// The date of an answer (RFC 9110, 5.6.7), whatever the process's locale.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pena::wire {

// "Sun, 06 Nov 1994 08:49:37 GMT".
[[nodiscard]] std::string http_date(std::int64_t unix_seconds);
// Read back. The two forms that are obsolete are not known.
[[nodiscard]] std::optional<std::int64_t> parse_http_date(std::string_view text);

}  // namespace pena::wire
