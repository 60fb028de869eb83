#include "client/stream_reader.hpp"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <utility>

#include "client/answer.hpp"
#include "client/clock.hpp"
#include "client/connect.hpp"
#include "core/one_line.hpp"
#include "pena_version.hpp"
#include "wire/http_text.hpp"

namespace pena::client {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::use_awaitable;
using boost::system::error_code;

namespace {

constexpr std::size_t kMostOfRefusal = 16 * 1024;

constexpr std::chrono::milliseconds kLongestTime = std::chrono::hours{24 * 365};

// Whether the field is there.
bool read_ms(const http::fields& answer, const char* field, core::Duration& into) {
  const auto value = answer[field];
  std::int64_t ms = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), ms);
  if (error != std::errc{} || end != value.data() + value.size()) return false;
  if (ms <= 0 || ms > kLongestTime.count()) return false;
  into = std::chrono::milliseconds{ms};
  return true;
}

// What the server's headers tell of its times; the defaults for what they do not.
core::StreamOpened opened_by(const http::fields& answer, core::Instant requested_at) {
  core::StreamOpened opened{requested_at, {}};
  core::Timing& timing = opened.timing;
  opened.promises_lease = read_ms(answer, "Pena-Lease", timing.lease);
  opened.promises_silence = read_ms(answer, "Pena-Silence", timing.silence);
  opened.client = core::Xid::parse(answer["Pena-Client"]);
  read_ms(answer, "Pena-Heartbeat", timing.heartbeat);
  read_ms(answer, "Pena-Stop-Time", timing.stop_time);
  const auto drift = answer["Pena-Clock-Drift"];
  double value = 0.0;
  const auto [end, error] = std::from_chars(drift.data(), drift.data() + drift.size(), value);
  const bool is_number = error == std::errc{} && end == drift.data() + drift.size();
  if (is_number && value >= 0.0 && value < 0.1) timing.clock_drift = value;
  // The slack is for this side's own timers: not more than a tenth of the lease.
  timing.slack = std::min<core::Duration>(timing.slack, timing.lease / 10);
  return opened;
}

// A server by the brief alone may name no type.
bool is_event_stream(std::string_view type) {
  std::string_view name = type.substr(0, type.find(';'));
  while (name.ends_with(' ')) name.remove_suffix(1);
  return type.empty() || wire::same_text(name, "text/event-stream");
}

}  // namespace

// The head of the answer, and what came with it.
struct StreamReader::Answer {
  Answer() { parser.body_limit(boost::none); }
  beast::flat_buffer buffer;
  http::response_parser<http::buffer_body> parser;
};

StreamReader::StreamReader(const asio::any_io_executor& executor, ServerAddress address,
                           std::uint64_t stream, std::string query, Tell tell,
                           wire::TaskReading reading)
    : connection_(executor),
      address_(std::move(address)),
      stream_(stream),
      query_(std::move(query)),
      tell_(std::move(tell)),
      reading_(std::move(reading)) {}

asio::awaitable<void> StreamReader::run() {
  const auto self = shared_from_this();
  core::StreamClosed over;
  try {
    over = co_await read();
  } catch (const boost::system::system_error& error) {
    over.why = reason(error.code());
  }
  tell(over);
}

asio::awaitable<core::StreamClosed> StreamReader::read() {
  co_await connect(connection_, address_);
  Answer answer;
  const core::Instant requested_at = co_await ask(answer);
  const auto& head = answer.parser.get();
  if (head.result() != http::status::ok) co_return co_await read_refusal(answer);
  const std::string_view type = head[http::field::content_type];
  if (!is_event_stream(type)) {
    co_return core::StreamClosed{
        "200 with Content-Type " + core::one_line(type) + "; expected text/event-stream", 0, {}};
  }
  tell(opened_by(head, requested_at));
  co_return co_await read_events(answer);
}

// When that was.
asio::awaitable<core::Instant> StreamReader::ask(Answer& answer) {
  const std::string target = "/task?" + query_;
  http::request<http::empty_body> request(http::verb::get, target, 11);
  request.set(http::field::host, address_.host_header);
  request.set(http::field::accept, "text/event-stream");
  request.set(http::field::user_agent, std::string{"pena/"} + kVersion);
  const core::Instant requested_at = now();
  tell(core::StreamAsked{});
  co_await http::async_write(connection_.socket, request, use_awaitable);
  co_await http::async_read_header(connection_.socket, answer.buffer, answer.parser, use_awaitable);
  co_return requested_at;
}

// More of the body: nothing where there is none, with `error` then.
asio::awaitable<std::string_view> StreamReader::read_some(Answer& answer, error_code& error) {
  auto& body = answer.parser.get().body();
  body.data = bytes_.data();
  body.size = bytes_.size();
  co_await http::async_read_some(connection_.socket, answer.buffer, answer.parser,
                                 asio::redirect_error(use_awaitable, error));
  if (error == http::error::need_buffer) error = {};
  co_return std::string_view(bytes_.data(), bytes_.size() - body.size);
}

// As much of its body as makes a sentence, and comes before the connection is closed.
asio::awaitable<core::StreamClosed> StreamReader::read_refusal(Answer& answer) {
  const auto& head = answer.parser.get();
  tell(core::StreamRefused{});
  std::string body;
  error_code error;
  while (!answer.parser.is_done() && !error && body.size() < kMostOfRefusal) {
    body += co_await read_some(answer, error);
  }
  const unsigned status = head.result_int();
  co_return core::StreamClosed{
      error_text(status, body), status,
      retry_after(head[http::field::retry_after], head[http::field::date])};
}

asio::awaitable<core::StreamClosed> StreamReader::read_events(Answer& answer) {
  wire::TaskReader tasks([this](const core::StreamEvent& event) { tell(event); }, reading_);
  core::StreamClosed over{"the stream ended", 0, {}};
  error_code error;
  while (!answer.parser.is_done() && !error) {
    const std::string_view piece = co_await read_some(answer, error);
    if (!tasks.feed(piece)) {
      over.why = "a line of it is too long";
      over.is_unreadable = true;
      co_return over;
    }
  }
  if (error) over.why = reason(error);
  co_return over;
}

}  // namespace pena::client
