#include "server/request_reader.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
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
// What follows a chunked body in the same piece belongs to the next request, and has to be kept.
constexpr std::size_t kChunkedPiece = 16UL * 1024;

auto into(error_code& error) {
  return asio::redirect_error(use_awaitable, error);
}

wire::Refusal too_slow(const std::string& what, core::Duration time) {
  return {408, "the " + what + " is not there; expected it whole within " +
                   std::to_string(core::to_ms(time)) + " ms"};
}

}  // namespace

RequestReader::RequestReader(Engine& engine, Socket& socket)
    : engine_(engine), socket_(socket), watchdog_(engine.watchdogs, socket) {}

RequestReader::~RequestReader() {
  engine_.idle.erase(&socket_);
}

Awaitable<RequestReader::Read> RequestReader::read() {
  is_head_ = reads_chunks_ = false;
  asked_.clear();
  request_.reset();
  Read read = co_await read_head();
  if (read == Read::request && !is_whole()) {
    // As a rule the body has come with the head.
    std::size_t fed = 0;
    auto refusal = feed(buffered(), fed);
    buffer_.consume(fed);
    if (refusal) {
      read = refuse(*std::move(refusal));
    } else if (!is_whole()) {
      read = co_await read_body(fed > 0);
    }
  }
  watchdog_.clear();
  if (buffer_.size() == 0 && buffer_.capacity() > kKept) buffer_ = {};
  co_return read;
}

Awaitable<RequestReader::Read> RequestReader::read_head() {
  wire::HeadScan scan{limits()};
  bool has_begun = false;
  engine_.idle.insert(&socket_);
  watchdog_.set(limits().idle_time);
  while (true) {
    const auto is_whole = scan.look(buffered());
    if (const auto line = scan.request_line(buffered()); line && asked_.empty()) note(*line);
    if (!is_whole) co_return refuse(is_whole.refusal());
    if (*is_whole) break;
    if (!has_begun && scan.has_begun(buffered())) {
      has_begun = true;
      watchdog_.set(limits().header_time);
    }
    error_code error;
    const std::size_t size =
        co_await socket_.async_read_some(buffer_.prepare(kFirstRead), into(error));
    buffer_.commit(size);
    if (has_begun && watchdog_.bit()) co_return refuse(too_slow("header", limits().header_time));
    if (error) co_return broken_off(error, has_begun);
  }
  engine_.idle.erase(&socket_);
  auto refusal = admit(scan);
  buffer_.consume(scan.end());
  if (refusal) co_return refuse(*std::move(refusal));
  co_return Read::request;
}

std::optional<wire::Refusal> RequestReader::admit(const wire::HeadScan& scan) {
  const auto line = scan.request_line(buffered());
  char* const bytes = static_cast<char*>(buffer_.data().data());
  // A higher minor version is read as the highest that is known here (RFC 9110, 2.5), for which
  // Beast has but two.
  const std::size_t version = scan.begin() + line->method.size() + line->target.size() + 2;
  if (line->minor_version > 1) bytes[version + 7] = '1';
  http::request_parser<http::empty_body> parser;
  parser.header_limit(std::numeric_limits<std::uint32_t>::max());  // scan has seen to it
  parser.body_limit(boost::none);                                  // and the guard will
  error_code error;
  parser.put(asio::buffer(bytes + scan.begin(), scan.end() - scan.begin()), error);
  if (error || !parser.is_header_done()) {
    return wire::Refusal{400, "the request is not HTTP/1.1: " + error.message()};
  }
  wire::RequestHead head{line->method, line->target, parser.get().version(), {}};
  head.fields.reserve(kUsualFields);
  for (const auto& field : parser.get()) {
    head.fields.push_back({{field.name_string().data(), field.name_string().size()},
                           {field.value().data(), field.value().size()}});
  }
  auto admitted = wire::guard_head(head, engine_.guard, limits());
  if (!admitted) return admitted.refusal();
  admitted_ = *std::move(admitted);
  const bool is_report = admitted_.target.path == "/report";
  request_.emplace(Request{{std::string{line->method},
                            std::move(admitted_.target.path),
                            std::move(admitted_.target.query),
                            {}},
                           BodyShare{engine_.bodies, is_report}});
  missing_ = admitted_.length;
  chunks_.reset();
  if (admitted_.is_chunked) chunks_.emplace(limits());
  return std::nullopt;
}

Awaitable<RequestReader::Read> RequestReader::read_body(bool has_begun) {
  watchdog_.set(limits().body_time);
  error_code error;
  if (admitted_.expects_continue && !has_begun) {
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await asio::async_write(socket_, asio::buffer(kContinue), into(error));
  }
  while (!is_whole()) {
    if (watchdog_.bit()) co_return refuse(too_slow("body", limits().body_time));
    if (error) co_return broken_off(error, true);
    auto& pieces = engine_.incoming;
    const std::size_t most = chunks_ ? kChunkedPiece : std::min(missing_, pieces.size());
    const ssize_t got = ::recv(socket_.native_handle(), pieces.data(), most, MSG_DONTWAIT);
    if (got > 0) {
      const std::string_view piece{pieces.data(), static_cast<std::size_t>(got)};
      std::size_t fed = 0;
      if (auto refusal = feed(piece, fed)) co_return refuse(*std::move(refusal));
      const auto rest = asio::buffer(piece.substr(fed));  // of the next request
      buffer_.commit(asio::buffer_copy(buffer_.prepare(rest.size()), rest));
      // Whoever sends fast must not keep the others waiting.
      if (piece.size() == most && !is_whole()) co_await asio::post(engine_.io, use_awaitable);
    } else if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
      co_await socket_.async_wait(Socket::wait_read, into(error));
    } else {
      co_return Read::over;
    }
  }
  co_return Read::request;
}

std::optional<wire::Refusal> RequestReader::feed(std::string_view bytes, std::size_t& fed) {
  fed = 0;
  while (fed < bytes.size() && !is_whole()) {
    std::string_view data = bytes.substr(fed, missing_);
    if (chunks_) {
      const auto step = chunks_->feed(bytes.substr(fed));
      if (!step) return step.refusal();
      fed += step->fed;
      data = step->data;
    } else {
      fed += data.size();
      missing_ -= data.size();
    }
    const auto whole = chunks_ ? std::nullopt : std::optional{admitted_.length};
    if (!request_->share.append(request_->asked.body, data, whole, limits().body_bytes)) {
      return no_room();
    }
  }
  return std::nullopt;
}

wire::Refusal RequestReader::no_room() {
  const std::string most = std::to_string(limits().bodies_bytes) + " bytes";
  if (engine_.bodies.note_full()) {
    engine_.log(core::LogLevel::warning, "the bodies of all requests in flight have " + most +
                                             ", as many as they may: more are refused");
  }
  return {503, "the bodies of all requests in flight fill " + most + "; try again later"};
}

void RequestReader::note(const wire::RequestLine& line) {
  asked_.assign(line.method).append(" ").append(line.target);
  is_head_ = line.method == "HEAD";
  reads_chunks_ = line.minor_version >= 1;
}

RequestReader::Read RequestReader::broken_off(const error_code& error, bool has_begun) {
  if (error != asio::error::operation_aborted || !engine_.desk.draining() || !has_begun)
    return Read::over;
  return refuse({503,
                 "the server stops, and nothing of the request has been done, for it is not there "
                 "whole; try again later"});
}

RequestReader::Read RequestReader::refuse(wire::Refusal refusal) {
  engine_.idle.erase(&socket_);
  request_.reset();  // and what its body takes of the room
  refusal_ = std::move(refusal);
  return Read::refusal;
}

std::string_view RequestReader::buffered() const {
  return {static_cast<const char*>(buffer_.cdata().data()), buffer_.size()};
}

}  // namespace pena::server
