// The only file of the client that knows Boost.URL.
#include "client/url.hpp"

#include <boost/url/encode.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <boost/url/url_view.hpp>
#include <charconv>
#include <cstdint>
#include <system_error>

#include "client/settings_error.hpp"

namespace pena::client {

ServerAddress parse_url(const std::string& url) {
  const auto refuse = [&](const std::string& expected) -> SettingsError {
    return SettingsError("url is \"" + url + "\"; expected " + expected);
  };
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed) throw refuse("http://host:port");
  const boost::urls::url_view& view = *parsed;
  if (view.scheme_id() == boost::urls::scheme::https) {
    throw refuse("http://host:port, for TLS is not supported yet");
  }
  const std::string path{view.encoded_path()};
  if (view.scheme_id() != boost::urls::scheme::http || view.host().empty() || view.has_userinfo() ||
      view.has_query() || view.has_fragment() || (!path.empty() && path != "/")) {
    throw refuse("http://host:port and nothing behind it");
  }
  const std::string port{view.port()};
  std::uint16_t number = 0;
  const auto [rest, bad] = std::from_chars(port.data(), port.data() + port.size(), number);
  const bool is_port = bad == std::errc{} && rest == port.data() + port.size() && number > 0;
  if (!port.empty() && !is_port) throw refuse("a port from 1 to 65535");
  ServerAddress address;
  address.host = view.host_address();
  address.port = port.empty() ? "80" : port;
  address.host_header = std::string{view.encoded_host_and_port()};
  return address;
}

std::string percent_encoded(std::string_view text) {
  return boost::urls::encode(boost::core::string_view{text.data(), text.size()},
                             boost::urls::unreserved_chars);
}

}  // namespace pena::client
