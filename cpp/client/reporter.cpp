#include "client/reporter.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <utility>

#include "client/answer.hpp"
#include "client/clock.hpp"
#include "client/connect.hpp"
#include "pena_version.hpp"
#include "wire/report_body.hpp"

namespace pena::client {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::use_awaitable;
using asio::ip::tcp;
using boost::system::error_code;

Reporter::Reporter(asio::any_io_executor executor, ServerAddress address, Tell tell)
    : executor_(std::move(executor)), address_(std::move(address)), tell_(std::move(tell)) {}

void Reporter::send(const core::SendReport& send) {
  if (!is_connected()) connection_ = std::make_shared<Connection>(executor_);
  core::ReportTried tried;
  tried.number = send.number;
  asio::co_spawn(
      executor_,
      post_and_tell(connection_, std::move(tried), wire::report_body(send.report, send.form)),
      rethrow);
}

void Reporter::abandon() {
  if (connection_) connection_->close();
}

asio::awaitable<void> Reporter::post_and_tell(ConnectionPtr connection, core::ReportTried tried,
                                              std::string body) {
  std::string answer;
  try {
    co_await post(*connection, body, tried, answer);
    tried.why = error_text(tried.status, answer);
  } catch (const boost::system::system_error& failure) {
    tried.status = 0;
    tried.why = reason(failure.code());
    connection->close();
  }
  tell_(tried, wire::parse_report_answer(answer).value_or(wire::ReportAnswer{}));
}

// A server may have closed a connection that was idle: to find out now saves a try.
bool Reporter::is_connected() const {
  if (!connection_ || !connection_->socket.is_open()) return false;
  char byte = 0;
  error_code error;
  connection_->socket.non_blocking(true, error);
  connection_->socket.receive(asio::buffer(&byte, 1), asio::socket_base::message_peek, error);
  return error == asio::error::would_block;
}

asio::awaitable<void> Reporter::post(Connection& connection, const std::string& body,
                                     core::ReportTried& tried, std::string& answer) {
  tcp::socket& socket = connection.socket;
  if (!socket.is_open()) co_await connect(connection, address_);
  http::request<http::string_body> request(http::verb::post, "/report", 11);
  request.set(http::field::host, address_.host_header);
  request.set(http::field::content_type, "application/json");
  request.set(http::field::user_agent, std::string{"pena/"} + kVersion);
  request.body() = body;
  request.prepare_payload();
  tried.sent_at = now();
  co_await http::async_write(socket, request, use_awaitable);
  beast::flat_buffer buffer;
  http::response<http::string_body> response;
  co_await http::async_read(socket, buffer, response, use_awaitable);
  tried.status = response.result_int();
  tried.retry_after = retry_after(response[http::field::retry_after], response[http::field::date]);
  answer = std::move(response.body());
  const auto at = response["Pena-At"];
  std::int64_t ms = 0;
  const auto [end, bad] = std::from_chars(at.data(), at.data() + at.size(), ms);
  if (bad == std::errc{} && !at.empty()) tried.at_ms = ms;
  if (!response.keep_alive()) connection.close();
}

}  // namespace pena::client
