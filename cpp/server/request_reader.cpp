#include "server/request_reader.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http.hpp>
#include <cerrno>
#include <limits>
#include <utility>

namespace pena::server {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr std::size_t kFirstRead = 2048;
constexpr std::size_t kUsualFields = 16;
// What a connection that waits may keep of its buffer.
constexpr std::size_t kKept = 4096;

using Parser = http::request_parser<http::empty_body>;

// Into the bytes that the parser keeps.
wire::RequestHead head_of(const Parser& parser) {
  const auto& message = parser.get();
  wire::RequestHead head{{message.method_string().data(), message.method_string().size()},
                         {message.target().data(), message.target().size()},
                         message.version(),
                         {}};
  head.fields.reserve(kUsualFields);
  for (const auto& field : message) {
    head.fields.push_back({{field.name_string().data(), field.name_string().size()},
                           {field.value().data(), field.value().size()}});
  }
  return head;
}

}  // namespace

RequestReader::RequestReader(Engine& engine, Socket& socket)
    : engine_(engine),
      socket_(socket),
      watchdog_(engine.watchdogs, socket),
      intake_(engine.settings.limits, engine.guard, engine.bodies) {}

RequestReader::~RequestReader() {
  engine_.idle.erase(&socket_);
}

Awaitable<RequestReader::Read> RequestReader::read() {
  watchdog_.set(intake_.begin());
  engine_.idle.insert(&socket_);
  Intake::Next next = co_await read_head();
  engine_.idle.erase(&socket_);
  if (reads_on(next)) next = co_await read_body();
  watchdog_.clear();
  if (buffer_.size() == 0 && buffer_.capacity() > kKept) buffer_ = {};
  co_return tell(std::move(next));
}

RequestReader::Read RequestReader::tell(Intake::Next next) {
  if (std::holds_alternative<Intake::Whole>(next)) return Read::request;
  auto* const refuse = std::get_if<Intake::Refuse>(&next);
  if (refuse == nullptr) return Read::over;
  if (!refuse->warning.empty()) engine_.log(core::LogLevel::warning, refuse->warning);
  refusal_ = std::move(refuse->refusal);
  return Read::refusal;
}

bool RequestReader::reads_on(const Intake::Next& next) {
  const auto* const on = std::get_if<Intake::ReadOn>(&next);
  if (on != nullptr && on->within) watchdog_.set(*on->within);
  return on != nullptr;
}

Awaitable<RequestReader::Intake::Next> RequestReader::read_head() {
  while (true) {
    Intake::Next next = intake_.head(buffered());
    if (const auto* const head = std::get_if<Intake::ParseHead>(&next)) co_return take_head(*head);
    if (!reads_on(next)) co_return next;
    error_code error;
    const std::size_t size =
        co_await socket_.async_read_some(buffer_.prepare(kFirstRead), into(error));
    buffer_.commit(size);
    if (watchdog_.bit()) co_return intake_.late();
    if (error) co_return cut(error);
  }
}

RequestReader::Intake::Next RequestReader::take_head(const Intake::ParseHead& head) {
  char* const bytes = static_cast<char*>(buffer_.data().data());
  // A higher minor version is read as the highest that is known here (RFC 9110, 2.5), for which
  // Beast has but two.
  const std::string_view text = buffered().substr(head.begin, head.end - head.begin);
  const std::size_t minor = head.begin + text.find('\r') - 1;
  if (bytes[minor] > '1') bytes[minor] = '1';
  Parser parser;
  parser.header_limit(std::numeric_limits<std::uint32_t>::max());  // the intake has seen to it
  parser.body_limit(boost::none);                                  // and to this
  error_code error;
  parser.put(asio::buffer(text.data(), text.size()), error);
  if (error || !parser.is_header_done()) {
    return intake_.refuse({400, "the request is not HTTP/1.1: " + error.message()});
  }
  Intake::Next next = intake_.admit(head_of(parser));
  buffer_.consume(head.end);
  return reads_on(next) ? take_buffered_body() : next;
}

// As a rule the body has come with the head.
RequestReader::Intake::Next RequestReader::take_buffered_body() {
  std::size_t fed = 0;
  Intake::Next next = intake_.body(buffered(), fed);
  buffer_.consume(fed);
  return next;
}

Awaitable<RequestReader::Intake::Next> RequestReader::read_body() {
  error_code error;
  if (intake_.owes_continue()) {
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await asio::async_write(socket_, asio::buffer(kContinue), into(error));
  }
  while (true) {
    if (watchdog_.bit()) co_return intake_.late();
    if (error) co_return cut(error);
    auto& pieces = engine_.incoming;
    const std::size_t most = std::min(intake_.most(), pieces.size());
    const ssize_t got = ::recv(socket_.native_handle(), pieces.data(), most, MSG_DONTWAIT);
    if (got > 0) {
      const std::string_view piece{pieces.data(), static_cast<std::size_t>(got)};
      std::size_t fed = 0;
      Intake::Next next = intake_.body(piece, fed);
      const auto rest = asio::buffer(piece.substr(fed));  // of the next request
      buffer_.commit(asio::buffer_copy(buffer_.prepare(rest.size()), rest));
      if (!reads_on(next)) co_return next;
      // Whoever sends fast must not keep the others waiting.
      if (piece.size() == most) co_await asio::post(engine_.io, use_awaitable);
    } else if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
      co_await socket_.async_wait(Socket::wait_read, into(error));
    } else {
      co_return intake_.cut(Intake::Cut::gone);
    }
  }
}

RequestReader::Intake::Next RequestReader::cut(const error_code& error) {
  const bool stops = error == asio::error::operation_aborted && engine_.desk.draining();
  return intake_.cut(stops ? Intake::Cut::stop : Intake::Cut::gone);
}

std::string_view RequestReader::buffered() const {
  return {static_cast<const char*>(buffer_.cdata().data()), buffer_.size()};
}

}  // namespace pena::server
