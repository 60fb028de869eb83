// The only file of the client that knows Boost.URL.
#include "client/url.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "client/client.hpp"

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
  ServerAddress address;
  address.host = view.host_address();
  address.port = view.has_port() && !view.port().empty() ? std::string{view.port()} : "80";
  address.host_header = std::string{view.encoded_host_and_port()};
  return address;
}

}  // namespace pena::client
