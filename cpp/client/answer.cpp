#include "client/answer.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>

#include "core/one_line.hpp"
#include "wire/http_date.hpp"
#include "wire/json.hpp"

namespace pena::client {

std::string error_text(unsigned status, std::string_view body) {
  const auto sentence = wire::parse_error(body);
  const std::string said = core::one_line(sentence ? *sentence : body);
  return std::to_string(status) + (said.empty() ? "" : ": " + said);
}

std::optional<core::Duration> retry_after(std::string_view field, std::string_view date) {
  std::uint32_t seconds = 0;
  const char* const end = field.data() + field.size();
  const auto [rest, error] = std::from_chars(field.data(), end, seconds);
  if (rest == end && error == std::errc{}) return std::chrono::seconds{seconds};
  // Longer than anybody waits, which is not for this place to decide.
  if (rest == end && error == std::errc::result_out_of_range) return std::chrono::hours{24 * 365};
  const auto until = wire::parse_http_date(field);
  const auto from = wire::parse_http_date(date);
  if (!until || !from) return std::nullopt;
  return std::chrono::seconds{std::max<std::int64_t>(*until - *from, 0)};
}

}  // namespace pena::client
