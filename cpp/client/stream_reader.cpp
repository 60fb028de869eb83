#include "client/stream_reader.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <utility>

#include "client/clock.hpp"
#include "client/error_text.hpp"
#include "pena_version.hpp"
#include "wire/json.hpp"
#include "wire/sse.hpp"

namespace pena::client {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::use_awaitable;
using boost::system::error_code;

namespace {

constexpr std::chrono::seconds kOpenTime{5};

using Response = http::response_parser<http::buffer_body>;

void read_ms(const Response& response, const char* field, core::Duration& into) {
  const auto value = response.get()[field];
  std::int64_t ms = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), ms);
  if (error == std::errc{} && ms > 0) into = std::chrono::milliseconds{ms};
}

// What the server's headers tell of its times; the defaults for what they do not.
core::Timing timing_of(const Response& response) {
  core::Timing timing;
  read_ms(response, "Pena-Lease", timing.lease);
  read_ms(response, "Pena-Heartbeat", timing.heartbeat);
  read_ms(response, "Pena-Silence", timing.silence);
  read_ms(response, "Pena-Stop-Time", timing.stop_time);
  const auto drift = response.get()["Pena-Clock-Drift"];
  double value = 0.0;
  const auto [end, error] = std::from_chars(drift.data(), drift.data() + drift.size(), value);
  if (error == std::errc{} && value >= 0.0 && value < 0.1) timing.clock_drift = value;
  // The slack is for this side's own timers: not more than a tenth of the lease.
  timing.slack = std::min<core::Duration>(timing.slack, timing.lease / 10);
  return timing;
}

bool may_be_tried_again(unsigned status) {
  return status >= 500 || status == 408 || status == 429;
}

}  // namespace

StreamReader::StreamReader(const asio::any_io_executor& executor, ServerAddress address,
                           std::uint32_t batchsize, Tell tell)
    : socket_(executor),
      resolver_(executor),
      address_(std::move(address)),
      batchsize_(batchsize),
      tell_(std::move(tell)) {}

asio::awaitable<void> StreamReader::run() {
  const auto self = shared_from_this();
  try {
    co_await read();
  } catch (const boost::system::system_error&) {
    // Nobody there, or gone: the same as an end.
  }
  tell(core::StreamClosed{});
}

void StreamReader::close() {
  closed_ = true;
  abandon();
}

void StreamReader::abandon() {
  error_code ignored;
  resolver_.cancel();
  socket_.close(ignored);
}

void StreamReader::tell(const core::ClientEvent& event) {
  if (!closed_) tell_(event);
}

asio::awaitable<void> StreamReader::connect() {
  const auto found = co_await resolver_.async_resolve(address_.host, address_.port, use_awaitable);
  co_await asio::async_connect(socket_, found, use_awaitable);
  socket_.set_option(asio::ip::tcp::no_delay(true));
}

asio::awaitable<void> StreamReader::read() {
  // A server answers with the head at once, so this holds for connecting and the head together.
  asio::steady_timer timer(socket_.get_executor(), kOpenTime);
  timer.async_wait([self = shared_from_this()](const error_code& error) {
    if (!error) self->abandon();
  });
  co_await connect();
  http::request<http::empty_body> request(http::verb::get,
                                          "/task?batchsize=" + std::to_string(batchsize_), 11);
  request.set(http::field::host, address_.host_header);
  request.set(http::field::accept, "text/event-stream");
  request.set(http::field::user_agent, std::string{"pena/"} + kVersion);
  const core::Instant requested_at = now();
  co_await http::async_write(socket_, request, use_awaitable);
  beast::flat_buffer buffer;
  Response response;
  response.body_limit(boost::none);
  co_await http::async_read_header(socket_, buffer, response, use_awaitable);
  timer.cancel();

  const unsigned status = response.get().result_int();
  const bool accepted = status == 200;
  if (!accepted && may_be_tried_again(status)) co_return;
  if (accepted) tell(core::StreamOpened{requested_at, timing_of(response)});

  wire::SseParser parser;
  parser.on_event = [this](const wire::SseEvent& event) {
    tell_event(event.id, event.data);
  };
  parser.on_comment = [this](std::string_view comment) {
    tell_comment(comment);
  };
  std::string refusal;
  std::array<char, 16 * 1024> bytes{};
  while (!response.is_done() && !closed_) {
    response.get().body().data = bytes.data();
    response.get().body().size = bytes.size();
    error_code error;
    co_await http::async_read_some(socket_, buffer, response,
                                   asio::redirect_error(use_awaitable, error));
    const std::string_view piece(bytes.data(), bytes.size() - response.get().body().size);
    if (accepted) {
      if (!piece.empty()) tell(core::StreamHeard{});
      if (!parser.feed(piece)) co_return;
    } else if (refusal.size() < bytes.size()) {
      refusal += piece;
    }
    if (error && error != http::error::need_buffer) break;
  }
  if (!accepted) {
    tell(core::StreamRefused{error_text(status, refusal)});
    closed_ = true;
  }
}

void StreamReader::tell_event(const std::string& id, const std::string& data) {
  // What is no msg is somebody else's event: SSE clients pass over what they do not know.
  if (const auto msg = wire::parse_msg_json(data)) {
    tell(core::MsgArrived{msg->id, msg->period, core::Xid::parse(id)});
  }
}

void StreamReader::tell_comment(std::string_view comment) {
  const wire::StreamNote note = wire::parse_note(comment);
  if (note.batch || note.at_ms) tell(core::NoteArrived{note.batch, note.size, note.at_ms});
}

}  // namespace pena::client
