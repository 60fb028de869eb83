// One connection: requests one after the other, each checked before its body is read.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "server/engine.hpp"

namespace pena::server {

// Serves until either side closes. Throws nothing but what is a bug.
[[nodiscard]] boost::asio::awaitable<void> serve_connection(Engine& engine,
                                                            boost::asio::ip::tcp::socket socket);

// Answers 503 to the request that is about to come, and closes.
[[nodiscard]] boost::asio::awaitable<void> turn_away(Engine& engine,
                                                     boost::asio::ip::tcp::socket socket);

}  // namespace pena::server
