#include "client/reporter.hpp"

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <utility>

#include "client/clock.hpp"
#include "client/error_text.hpp"
#include "pena_version.hpp"

namespace pena::client {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::use_awaitable;
using boost::system::error_code;

namespace {

constexpr std::chrono::seconds kAnswerTime{10};

}  // namespace

Reporter::Reporter(const asio::any_io_executor& executor, ServerAddress address, Backoff backoff,
                   Tell tell)
    : socket_(executor),
      resolver_(executor),
      wake_(executor),
      address_(std::move(address)),
      backoff_(backoff),
      tell_(std::move(tell)) {}

void Reporter::send(const core::Reported& report) {
  bodies_.push_back({wire::report_json(report), false});
  wake_.cancel();
}

void Reporter::ask_for_time() {
  bodies_.push_back({wire::report_json({}), true});
  wake_.cancel();
}

void Reporter::close() {
  closed_ = true;
  error_code ignored;
  resolver_.cancel();
  socket_.close(ignored);
  wake_.cancel();
}

asio::awaitable<void> Reporter::run() {
  const auto self = shared_from_this();
  error_code ignored;
  while (!closed_) {
    if (bodies_.empty()) {
      wake_.expires_at(asio::steady_timer::time_point::max());
      co_await wake_.async_wait(asio::redirect_error(use_awaitable, ignored));
    } else {
      co_await send_first();
    }
  }
}

// Again and again: a report names its batch, so one that came twice settles nothing twice.
asio::awaitable<void> Reporter::send_first() {
  std::chrono::milliseconds wait = backoff_.first;
  asio::steady_timer timer(socket_.get_executor());
  while (!closed_) {
    const core::Instant sent_at = now();
    error_code error;
    Reply reply;
    try {
      reply = co_await post(bodies_.front().json);
    } catch (const boost::system::system_error& failure) {
      error = failure.code();
    }
    if (closed_) co_return;
    const bool answered = !error && reply.status >= 200 && reply.status < 300;
    if (answered || (!error && reply.status >= 400 && reply.status < 500)) {
      const bool asked_for_time = bodies_.front().asks_for_time;
      bodies_.pop_front();
      if (asked_for_time) {
        tell_(core::AnchorRenewed{sent_at, reply.at_ms}, {}, {});
      } else if (answered) {
        tell_(core::ReportAnswered{sent_at, reply.at_ms},
              wire::parse_report_answer(reply.body).value_or(wire::ReportAnswer{}), {});
      } else {
        tell_(core::ReportRefused{}, {}, error_text(reply.status, reply.body));
      }
      co_return;
    }
    socket_.close(error);
    timer.expires_after(wait);
    co_await timer.async_wait(asio::redirect_error(use_awaitable, error));
    wait = std::min(wait * 2, backoff_.most);
  }
}

asio::awaitable<void> Reporter::connect() {
  const auto found = co_await resolver_.async_resolve(address_.host, address_.port, use_awaitable);
  co_await asio::async_connect(socket_, found, use_awaitable);
  socket_.set_option(asio::ip::tcp::no_delay(true));
}

asio::awaitable<Reporter::Reply> Reporter::post(const std::string& body) {
  asio::steady_timer timer(socket_.get_executor(), kAnswerTime);
  timer.async_wait([self = shared_from_this()](const error_code& error) {
    error_code ignored;
    if (!error) self->socket_.close(ignored);
  });
  if (!socket_.is_open()) co_await connect();
  http::request<http::string_body> request(http::verb::post, "/report", 11);
  request.set(http::field::host, address_.host_header);
  request.set(http::field::content_type, "application/json");
  request.set(http::field::user_agent, std::string{"pena/"} + kVersion);
  request.body() = body;
  request.prepare_payload();
  co_await http::async_write(socket_, request, use_awaitable);
  beast::flat_buffer buffer;
  http::response<http::string_body> response;
  co_await http::async_read(socket_, buffer, response, use_awaitable);
  Reply reply{response.result_int(), std::move(response.body()), std::nullopt};
  const auto at = response["Pena-At"];
  std::int64_t ms = 0;
  const auto [end, bad] = std::from_chars(at.data(), at.data() + at.size(), ms);
  if (bad == std::errc{} && !at.empty()) reply.at_ms = ms;
  error_code ignored;
  if (!response.keep_alive()) socket_.close(ignored);
  co_return reply;
}

}  // namespace pena::client
