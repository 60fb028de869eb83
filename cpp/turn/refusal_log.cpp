#include "turn/refusal_log.hpp"

#include "wire/json.hpp"
#include "wire/quote.hpp"

namespace pena::turn {

std::string RefusalLog::line(std::string_view asked, std::string_view from, const Answer& answer,
                             std::size_t untold) {
  std::string line = "refused " + (asked.empty() ? "a request" : wire::quote(asked));
  line.append(" from ").append(from).append(": ").append(std::to_string(answer.status));
  line.append(", ").append(wire::parse_error(answer.body).value_or(""));
  if (untold > 0) line += "; before it " + std::to_string(untold) + " more were refused";
  return line;
}

}  // namespace pena::turn
