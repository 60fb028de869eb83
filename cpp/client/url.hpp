// Where the server is.
#pragma once

#include <string>
#include <string_view>

namespace pena::client {

struct ServerAddress {
  std::string host, port;
  std::string host_header;  // as the header Host has it
};
// "http://host[:port][/]". Throws SettingsError.
[[nodiscard]] ServerAddress parse_url(const std::string& url);
// Text as it stands in a query.
[[nodiscard]] std::string percent_encoded(std::string_view text);

}  // namespace pena::client
