// Where the server is.
#pragma once

#include <string>

namespace pena::client {

struct ServerAddress {
  std::string host, port;
  std::string host_header;  // as the header Host has it
};
// "http://host[:port][/]". Throws SettingsError.
[[nodiscard]] ServerAddress parse_url(const std::string& url);

}  // namespace pena::client
