#include "client/requests.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <utility>

#include "client/answer.hpp"
#include "client/clock.hpp"
#include "client/connect.hpp"
#include "pena_version.hpp"

namespace pena::client {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::use_awaitable;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

// Beyond them a connection is closed behind its request.
constexpr std::size_t kMostIdle = 8;

// A server may have closed a connection that was idle: to find out now saves a try.
bool is_good(Connection& connection) {
  if (!connection.socket.is_open()) return false;
  char byte = 0;
  error_code error;
  connection.socket.non_blocking(true, error);
  connection.socket.receive(asio::buffer(&byte, 1), asio::socket_base::message_peek, error);
  return error == asio::error::would_block;
}

}  // namespace

Requests::Requests(asio::any_io_executor executor, ServerAddress address)
    : executor_(std::move(executor)), address_(std::move(address)) {}

void Requests::send(std::uint64_t number, Request request, Tell tell) {
  const ConnectionPtr used = connection();
  under_way_.insert_or_assign(number, used);
  asio::co_spawn(executor_, send_and_tell(number, used, std::move(request), std::move(tell)),
                 rethrow);
}

void Requests::abandon(std::uint64_t number) {
  const auto at = under_way_.find(number);
  if (at != under_way_.end()) at->second->close();
  // A network that swallowed one request would swallow the next on a connection of the same age.
  close_idle();
}

void Requests::abandon_all() {
  for (const auto& [number, connection] : under_way_) connection->close();
  close_idle();
}

void Requests::close_idle() {
  for (const ConnectionPtr& connection : idle_) connection->close();
  idle_.clear();
}

Requests::ConnectionPtr Requests::connection() {
  while (!idle_.empty()) {
    ConnectionPtr last = std::move(idle_.back());
    idle_.pop_back();
    if (is_good(*last)) return last;
    last->close();
  }
  return std::make_shared<Connection>(executor_);
}

void Requests::keep(ConnectionPtr connection) {
  if (connection->closed) return;
  if (idle_.size() >= kMostIdle) return connection->close();
  idle_.push_back(std::move(connection));
}

asio::awaitable<void> Requests::send_and_tell(std::uint64_t number, ConnectionPtr connection,
                                              Request request, Tell tell) {
  Answered answered;
  try {
    co_await exchange(*connection, request, answered);
    answered.why = error_text(answered.status, answered.body);
  } catch (const boost::system::system_error& failure) {
    answered.status = 0;
    answered.why = reason(failure.code());
    connection->close();
  }
  const auto at = under_way_.find(number);
  if (at != under_way_.end() && at->second == connection) under_way_.erase(at);
  keep(std::move(connection));
  tell(answered);
}

asio::awaitable<void> Requests::exchange(Connection& connection, const Request& what,
                                         Answered& answered) {
  tcp::socket& socket = connection.socket;
  if (!socket.is_open()) co_await connect(connection, address_);
  const auto verb = what.body.empty() ? http::verb::get : http::verb::post;
  http::request<http::string_body> request(verb, what.target, 11);
  request.set(http::field::host, address_.host_header);
  request.set(http::field::user_agent, std::string{"pena/"} + kVersion);
  if (verb == http::verb::post) {
    request.set(http::field::content_type, "application/json");
    request.body() = what.body;
    request.prepare_payload();
  }
  answered.sent_at = now();
  error_code unsent, unread;
  co_await http::async_write(socket, request, asio::redirect_error(use_awaitable, unsent));
  // Whoever refuses a body does not read it, but answers before the connection is closed.
  const bool is_cut = unsent == asio::error::broken_pipe || unsent == asio::error::connection_reset;
  if (unsent && !is_cut) throw boost::system::system_error(unsent);
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> response;
  response.body_limit(std::uint64_t{64} << 20U);
  co_await http::async_read(socket, buffer, response, asio::redirect_error(use_awaitable, unread));
  if (unread) throw boost::system::system_error(is_cut ? unsent : unread);
  auto& head = response.get();
  answered.status = head.result_int();
  answered.retry_after = retry_after(head[http::field::retry_after], head[http::field::date]);
  answered.body = std::move(head.body());
  const auto at = head["Pena-At"];
  std::int64_t ms = 0;
  const auto [end, bad] = std::from_chars(at.data(), at.data() + at.size(), ms);
  if (bad == std::errc{} && !at.empty()) answered.at_ms = ms;
  if (is_cut || !response.keep_alive()) connection.close();
}

}  // namespace pena::client
