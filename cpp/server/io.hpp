// What the server uses of Asio, with the executor's type written out: asio::any_io_executor, the
// default, is copied, compared and destroyed at every step of a coroutine.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

namespace pena::server {

using Executor = boost::asio::io_context::executor_type;

template <class Result>
using Awaitable = boost::asio::awaitable<Result, Executor>;
inline constexpr boost::asio::use_awaitable_t<Executor> use_awaitable;

using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;
using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, Executor>;
using Timer = boost::asio::basic_waitable_timer<
    std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

// What goes wrong is put there instead of thrown.
inline auto into(boost::system::error_code& error) {
  return boost::asio::redirect_error(use_awaitable, error);
}

}  // namespace pena::server
