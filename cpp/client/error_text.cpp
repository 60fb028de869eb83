#include "client/error_text.hpp"

#include "wire/json.hpp"

namespace pena::client {

std::string error_text(unsigned status, std::string_view body) {
  constexpr std::size_t kMost = 500;
  const auto sentence = wire::parse_error(body);
  return std::to_string(status) + ": " + sentence.value_or(std::string{body.substr(0, kMost)});
}

}  // namespace pena::client
