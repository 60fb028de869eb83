#include "client/connect.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/error.hpp>

namespace pena::client {

namespace asio = boost::asio;
using asio::use_awaitable;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

void keep_alive(tcp::socket& socket) {
  constexpr int kOn = 1;
  constexpr int kIdle = 60, kEvery = 15, kTimes = 4;  // s, s
  const auto set = [&](int level, int name, const int& value) {
    // Where a system knows no such option the connection serves as well.
    (void)::setsockopt(socket.native_handle(), level, name, &value, sizeof value);
  };
  set(SOL_SOCKET, SO_KEEPALIVE, kOn);
  set(IPPROTO_TCP, TCP_KEEPIDLE, kIdle);
  set(IPPROTO_TCP, TCP_KEEPINTVL, kEvery);
  set(IPPROTO_TCP, TCP_KEEPCNT, kTimes);
}

}  // namespace

void Connection::close() {
  closed = true;
  error_code ignored;
  names.cancel();
  socket.close(ignored);
}

asio::awaitable<void> connect(Connection& connection, const ServerAddress& address) {
  const auto found = co_await connection.names.look_up(address.host, address.port);
  // It may be closed between two steps, when neither of them waits for it.
  const auto look = [&] {
    if (connection.closed) throw boost::system::system_error(asio::error::operation_aborted);
  };
  look();
  co_await asio::async_connect(connection.socket, found, use_awaitable);
  look();
  connection.socket.set_option(tcp::no_delay(true));
  keep_alive(connection.socket);
}

std::string reason(const error_code& error) {
  namespace http = boost::beast::http;
  if (error == asio::error::eof || error == http::error::end_of_stream ||
      error == http::error::partial_message) {
    return "the server closed the connection";
  }
  if (error == asio::error::try_again) return "no thread can be started to look its name up";
  return error.message();
}

}  // namespace pena::client
