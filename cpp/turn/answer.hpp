// What a request is answered with, but for what every answer has: date, length, connection.
#pragma once

#include <string>

#include "wire/outcome.hpp"

namespace pena::turn {

struct Answer {
  unsigned status = 200;
  std::string body;     // application/json
  std::string headers;  // further header lines, each with its line end
};

// The refusal's {"error": …}; with Retry-After where it is a 503.
[[nodiscard]] Answer refuse(const wire::Refusal& refusal);
// A 503: "`why`; `advice`".
[[nodiscard]] Answer busy(const std::string& why, const std::string& advice = "try again later");

}  // namespace pena::turn
