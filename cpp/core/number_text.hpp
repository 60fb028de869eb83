// Numbers and dates as text that no locale changes: a process may have set one with a decimal comma.
#pragma once

#include <cstdint>
#include <string>

#include "core/instant.hpp"

namespace pena::core {

// The shortest text that reads back as the same number: "0.01".
[[nodiscard]] std::string number_text(double value);
// "1 msg", "2 msgs".
[[nodiscard]] std::string msgs_text(std::uint64_t count);
// With so many digits behind the point: "1.50".
[[nodiscard]] std::string fixed_text(double value, int digits);
// ISO 8601 in UTC with milliseconds: "2026-11-23T18:00:00.000Z", "1969-12-31T23:59:59.999Z".
[[nodiscard]] std::string date_text(Instant at);

}  // namespace pena::core
