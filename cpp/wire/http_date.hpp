// The date of an answer (RFC 9110, 5.6.7), whatever the process's locale.
#pragma once

#include <cstdint>
#include <string>

namespace pena::wire {

// "Sun, 06 Nov 1994 08:49:37 GMT".
[[nodiscard]] std::string http_date(std::int64_t unix_seconds);

}  // namespace pena::wire
