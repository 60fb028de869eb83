#include "client/stream_reader.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <utility>

#include "client/answer.hpp"
#include "client/clock.hpp"
#include "client/connect.hpp"
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

constexpr std::chrono::seconds kConnectTime{5};
// Some servers send the head of a stream with its first event only.
constexpr std::chrono::seconds kHeadTime{30};

constexpr std::chrono::milliseconds kLongestTime = std::chrono::hours{24 * 365};

using Response = http::response_parser<http::buffer_body>;

// Whether the field is there.
bool read_ms(const Response& response, const char* field, core::Duration& into) {
  const auto value = response.get()[field];
  std::int64_t ms = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), ms);
  if (error != std::errc{} || end != value.data() + value.size()) return false;
  if (ms <= 0 || ms > kLongestTime.count()) return false;
  into = std::chrono::milliseconds{ms};
  return true;
}

// What the server's headers tell of its times; the defaults for what they do not.
core::StreamOpened opened_by(const Response& response, core::Instant requested_at) {
  core::StreamOpened opened{requested_at, {}};
  core::Timing& timing = opened.timing;
  opened.promises_lease = read_ms(response, "Pena-Lease", timing.lease);
  opened.promises_silence = read_ms(response, "Pena-Silence", timing.silence);
  read_ms(response, "Pena-Heartbeat", timing.heartbeat);
  read_ms(response, "Pena-Stop-Time", timing.stop_time);
  const auto drift = response.get()["Pena-Clock-Drift"];
  double value = 0.0;
  const auto [end, error] = std::from_chars(drift.data(), drift.data() + drift.size(), value);
  const bool is_number = error == std::errc{} && end == drift.data() + drift.size();
  if (is_number && value >= 0.0 && value < 0.1) timing.clock_drift = value;
  // The slack is for this side's own timers: not more than a tenth of the lease.
  timing.slack = std::min<core::Duration>(timing.slack, timing.lease / 10);
  return opened;
}

}  // namespace

StreamReader::StreamReader(const asio::any_io_executor& executor, ServerAddress address,
                           std::uint32_t batchsize, std::optional<std::uint64_t> batches, Tell tell)
    : socket_(executor),
      resolver_(executor),
      address_(std::move(address)),
      batchsize_(batchsize),
      batches_(batches),
      tell_(std::move(tell)) {}

asio::awaitable<void> StreamReader::run() {
  const auto self = shared_from_this();
  core::StreamClosed over;
  try {
    over = co_await read();
  } catch (const boost::system::system_error& error) {
    over.why = is_late_ ? "no answer in time" : reason(error.code());
  }
  tell(over);
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

asio::awaitable<core::StreamClosed> StreamReader::read() {
  asio::steady_timer timer(socket_.get_executor(), kConnectTime);
  const auto watch = [&] {
    timer.async_wait([self = shared_from_this()](const error_code& error) {
      if (error) return;
      self->is_late_ = true;
      self->abandon();
    });
  };
  watch();
  co_await connect(socket_, resolver_, address_);
  timer.expires_after(kHeadTime);
  watch();
  std::string target = "/task?batchsize=" + std::to_string(batchsize_);
  if (batches_) target += "&batches=" + std::to_string(*batches_);
  http::request<http::empty_body> request(http::verb::get, target, 11);
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
  core::StreamClosed over{"the stream ended", accepted ? 0U : status, {}};
  if (accepted) {
    tell(opened_by(response, requested_at));
  } else {
    over.retry_after = retry_after(response.get()[http::field::retry_after]);
  }

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
      if (!parser.feed(piece)) {
        over.why = "a line or an event of it is too long";
        co_return over;
      }
    } else if (refusal.size() < bytes.size()) {
      refusal += piece;
    }
    if (error && error != http::error::need_buffer) {
      over.why = reason(error);
      break;
    }
  }
  if (!accepted) over.why = error_text(status, refusal);
  co_return over;
}

void StreamReader::tell_event(const std::string& id, const std::string& data) {
  if (const auto msg = wire::parse_msg_json(data)) {
    tell(core::MsgArrived{msg->id, msg->period, core::Xid::parse(id)});
  } else {
    tell(core::StrangeArrived{data, core::Xid::parse(id)});
  }
}

void StreamReader::tell_comment(std::string_view comment) {
  const wire::StreamNote note = wire::parse_note(comment);
  if (!note.batch && !note.at_ms) return;
  core::NoteArrived arrived{note.batch, note.size, note.at_ms, {}};
  if (note.lease_ms) arrived.lease = std::chrono::milliseconds{*note.lease_ms};
  tell(arrived);
}

}  // namespace pena::client
