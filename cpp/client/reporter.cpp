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
using boost::system::error_code;

namespace {

constexpr std::chrono::seconds kAnswerTime{10};

}  // namespace

Reporter::Reporter(const asio::any_io_executor& executor, ServerAddress address, Tell tell)
    : socket_(executor),
      resolver_(executor),
      wait_(executor),
      address_(std::move(address)),
      tell_(std::move(tell)) {}

void Reporter::send(const core::SendReport& send) {
  wait_.expires_after(send.after);
  wait_.async_wait([self = shared_from_this(),
                    body = wire::report_body(send.report, send.form)](const error_code& error) {
    if (error || self->closed_) return;
    asio::co_spawn(self->socket_.get_executor(), self->post_and_tell(body), rethrow);
  });
}

void Reporter::close() {
  closed_ = true;
  error_code ignored;
  resolver_.cancel();
  socket_.close(ignored);
  wait_.cancel();
}

asio::awaitable<void> Reporter::post_and_tell(std::string body) {
  const auto self = shared_from_this();
  core::ReportTried tried;
  std::string answer;
  error_code error;
  is_late_ = false;
  asio::steady_timer timer(socket_.get_executor(), kAnswerTime);
  timer.async_wait([self, number = ++try_](const error_code& cancelled) {
    if (cancelled || self->try_ != number) return;
    self->is_late_ = true;
    self->resolver_.cancel();
    self->socket_.close();
  });
  try {
    co_await post(body, tried, answer);
  } catch (const boost::system::system_error& failure) {
    error = failure.code();
  }
  ++try_;
  if (closed_) co_return;
  if (error) {
    tried.status = 0;
    tried.why = is_late_ ? "no answer within 10 s" : reason(error);
    socket_.close(error);
  } else {
    tried.why = error_text(tried.status, answer);
  }
  tell_(tried, wire::parse_report_answer(answer).value_or(wire::ReportAnswer{}));
}

// A server may have closed a connection that was idle: to find out now saves a try.
bool Reporter::is_connected() {
  if (!socket_.is_open()) return false;
  char byte = 0;
  error_code error;
  socket_.non_blocking(true, error);
  socket_.receive(asio::buffer(&byte, 1), asio::socket_base::message_peek, error);
  return error == asio::error::would_block;
}

asio::awaitable<void> Reporter::post(const std::string& body, core::ReportTried& tried,
                                     std::string& answer) {
  if (!is_connected()) {
    error_code ignored;
    socket_.close(ignored);
    co_await connect(socket_, resolver_, address_);
  }
  http::request<http::string_body> request(http::verb::post, "/report", 11);
  request.set(http::field::host, address_.host_header);
  request.set(http::field::content_type, "application/json");
  request.set(http::field::user_agent, std::string{"pena/"} + kVersion);
  request.body() = body;
  request.prepare_payload();
  tried.sent_at = now();
  co_await http::async_write(socket_, request, use_awaitable);
  beast::flat_buffer buffer;
  http::response<http::string_body> response;
  co_await http::async_read(socket_, buffer, response, use_awaitable);
  tried.status = response.result_int();
  tried.retry_after = retry_after(response[http::field::retry_after], response[http::field::date]);
  answer = std::move(response.body());
  const auto at = response["Pena-At"];
  std::int64_t ms = 0;
  const auto [end, bad] = std::from_chars(at.data(), at.data() + at.size(), ms);
  if (bad == std::errc{} && !at.empty()) tried.at_ms = ms;
  error_code ignored;
  if (!response.keep_alive()) socket_.close(ignored);
}

}  // namespace pena::client
