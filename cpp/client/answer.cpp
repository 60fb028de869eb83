#include "client/answer.hpp"

#include <charconv>

#include "core/one_line.hpp"
#include "wire/json.hpp"

namespace pena::client {

std::string error_text(unsigned status, std::string_view body) {
  const auto sentence = wire::parse_error(body);
  const std::string said = core::one_line(sentence ? *sentence : body);
  return std::to_string(status) + (said.empty() ? "" : ": " + said);
}

std::optional<core::Duration> retry_after(std::string_view field) {
  std::uint32_t seconds = 0;
  const char* const end = field.data() + field.size();
  const auto [rest, error] = std::from_chars(field.data(), end, seconds);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return std::chrono::seconds{seconds};
}

}  // namespace pena::client
