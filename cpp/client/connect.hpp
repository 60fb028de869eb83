// How a connection to the server is made.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <exception>
#include <string>

#include "client/name_lookup.hpp"
#include "client/url.hpp"

namespace pena::client {

// Made, used and closed on one thread.
struct Connection {
  explicit Connection(const boost::asio::any_io_executor& executor)
      : socket(executor), names(executor) {}

  // For good: whatever waits for it fails, and nothing is begun any more.
  void close();

  boost::asio::ip::tcp::socket socket;
  NameLookup names;
  bool closed = false;
};

// Throws boost::system::system_error for whatever is wrong. A peer that is gone without a word is
// noticed within about two minutes, for not every server promises to say something.
[[nodiscard]] boost::asio::awaitable<void> connect(Connection& connection,
                                                   const ServerAddress& address);

// For a person: "Connection refused".
[[nodiscard]] std::string reason(const boost::system::error_code& error);

// For coroutines that nobody waits for: what they throw ends the loop that runs them.
inline void rethrow(const std::exception_ptr& error) {
  if (error) std::rethrow_exception(error);
}

}  // namespace pena::client
