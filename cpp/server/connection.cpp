// The only file of the server that knows Beast.
#include "server/connection.hpp"

#include <array>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <optional>
#include <utility>

#include "pena_version.hpp"
#include "server/routes.hpp"
#include "server/task_stream.hpp"
#include "server/watchdog.hpp"
#include "wire/json.hpp"

namespace pena::server {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

namespace {

constexpr std::size_t kLingeringBytes = 256 * 1024;
constexpr core::Duration kLingeringTime = std::chrono::seconds{1};

auto into(error_code& error) {
  return asio::redirect_error(use_awaitable, error);
}

// An aggregate that is made within a co_await expression is destroyed twice by gcc 12: here such
// are given a name first.
class Connection {
 public:
  Connection(Engine& engine, Socket socket)
      : engine_(engine), socket_(std::move(socket)), watchdog_(engine_.watchdogs, socket_) {
    ++engine_.connections;
    engine_.sockets.insert(&socket_);
  }
  ~Connection() {
    --engine_.connections;
    engine_.sockets.erase(&socket_);
    engine_.idle.erase(&socket_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Awaitable<void> serve() {
    while (!engine_.draining && co_await serve_request()) {
    }
    if (stream_) {
      // By now the request is forgotten, and a stream keeps no buffer for more of them.
      buffer_ = beast::flat_buffer{};
      TaskStream stream(engine_, socket_, *stream_);
      co_await stream.run();
    }
    error_code ignored;
    socket_.shutdown(Socket::shutdown_both, ignored);
  }

  Awaitable<void> turn_away() {
    const wire::Refusal full{503, "the server has as many connections as it may; try again later"};
    co_await refuse_and_close(full);
  }

 private:
  using Parser = http::request_parser<http::string_body>;

  // False when the connection is to be closed.
  Awaitable<bool> serve_request() {
    is_head_ = false;
    Parser parser;
    parser.header_limit(static_cast<std::uint32_t>(limits().header_bytes));
    parser.body_limit(limits().body_bytes);
    if (!co_await read_header(parser)) co_return false;
    Request request;
    request.method = std::string{parser.get().method_string()};
    is_head_ = request.method == "HEAD";
    const std::string target{parser.get().target()};
    if (auto refusal = check_head(parser, target)) {
      co_await refuse_and_close(*refusal);
      co_return false;
    }
    // Asked before the body: trailers are put among the fields. Who speaks HTTP/1.0 expects the
    // end.
    const bool keep_alive = parser.get().version() >= 11 && parser.get().keep_alive();
    if (!co_await read_body(parser)) co_return false;
    request.body = std::move(parser.get().body());
    split_target(target, request.path, request.query);
    if (request.path == "/task" && (request.method == "GET" || is_head_)) {
      co_return co_await begin_stream(request, keep_alive);
    }
    const Answer given = co_await answer_or_500(std::move(request));
    co_return co_await write_answer(given, keep_alive);
  }

  // Waits for a request at leisure, then for its header without.
  Awaitable<bool> read_header(Parser& parser) {
    error_code error;
    engine_.idle.insert(&socket_);
    if (buffer_.size() == 0) {
      watchdog_.set(limits().idle_time);
      const std::size_t size =
          co_await socket_.async_read_some(buffer_.prepare(kFirstRead), into(error));
      buffer_.commit(size);
      if (error) co_return false;
    }
    watchdog_.set(limits().header_time);
    co_await http::async_read_header(socket_, buffer_, parser, into(error));
    watchdog_.clear();
    engine_.idle.erase(&socket_);
    if (!error) co_return true;
    const auto refusal =
        watchdog_.bit() ? too_slow("header", limits().header_time) : refusal_of(error);
    if (refusal) co_await refuse_and_close(*refusal);
    co_return false;
  }

  Awaitable<bool> read_body(Parser& parser) {
    error_code error;
    if (!parser.is_done()) {
      watchdog_.set(limits().body_time);
      if (parser.get().version() >= 11 &&
          beast::iequals(parser.get()[http::field::expect], "100-continue")) {
        constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
        co_await asio::async_write(socket_, asio::buffer(kContinue), into(error));
      }
      if (!error) co_await http::async_read(socket_, buffer_, parser, into(error));
      watchdog_.clear();
    }
    if (!error) co_return true;
    const auto refusal = watchdog_.bit() ? too_slow("body", limits().body_time) : refusal_of(error);
    if (refusal) co_await refuse_and_close(*refusal);
    co_return false;
  }

  [[nodiscard]] std::optional<wire::Refusal> check_head(const Parser& parser,
                                                        const std::string& target) const {
    wire::RequestHead head;
    const std::string method{parser.get().method_string()};
    head.method = method;
    head.target = target;
    head.version = parser.get().version();
    for (const auto& field : parser.get()) {
      head.fields.push_back({{field.name_string().data(), field.name_string().size()},
                             {field.value().data(), field.value().size()}});
    }
    if (head.target.size() > limits().target_bytes) {
      return wire::Refusal{414, "the target has " + std::to_string(head.target.size()) +
                                    " bytes; expected at most " +
                                    std::to_string(limits().target_bytes)};
    }
    return wire::guard_head(head, engine_.guard);
  }

  // What Beast says of a request that it cannot read. Nothing where the peer is gone.
  [[nodiscard]] std::optional<wire::Refusal> refusal_of(const error_code& error) const {
    if (error == http::error::header_limit) {
      return wire::Refusal{
          431, "the header is longer than " + std::to_string(limits().header_bytes) + " bytes"};
    }
    if (error == http::error::body_limit) {
      return wire::Refusal{
          413, "the body is longer than " + std::to_string(limits().body_bytes) + " bytes"};
    }
    if (error == http::error::end_of_stream || error == http::error::partial_message ||
        error.category() != http::make_error_code(http::error::bad_method).category()) {
      return std::nullopt;
    }
    return wire::Refusal{400, "the request is not HTTP/1.1: " + error.message()};
  }

  // False once the stream can begin: it is served when the request is out of the way.
  Awaitable<bool> begin_stream(const Request& request, bool keep_alive) {
    const auto query = wire::parse_task_query(request.query, limits());
    if (!query) {
      const Answer refusal = refuse(query.refusal());
      co_return co_await write_answer(refusal, keep_alive);
    }
    if (engine_.draining) {
      const wire::Refusal stops{503, "the server stops; try again later"};
      co_await refuse_and_close(stops);
      co_return false;
    }
    if (is_head_) {
      const std::string head = TaskStream::head(engine_, core::Xid{});
      error_code ignored;
      co_await asio::async_write(socket_, asio::buffer(head), into(ignored));
      co_return false;
    }
    stream_ = *query;
    co_return false;
  }

  Awaitable<Answer> answer_or_500(Request request) {
    try {
      co_return co_await answer(engine_, std::move(request));
    } catch (const std::exception& error) {
      // The store could not be read; the commit loop finds out for itself whether it can be
      // written.
      engine_.log(core::LogLevel::error, error.what());
      co_return Answer{500, wire::error_json(error.what()), {}};
    }
  }

  // True when the connection may go on.
  Awaitable<bool> write_answer(const Answer& given, bool keep_alive) {
    keep_alive = keep_alive && !engine_.draining;
    const auto status = http::int_to_status(given.status);
    std::string bytes = "HTTP/1.1 " + std::to_string(given.status) + " ";
    bytes += std::string_view{http::obsolete_reason(status)};
    bytes += std::string{"\r\nServer: pena/"} + kVersion +
             "\r\nContent-Type: application/json\r\nContent-Length: " +
             std::to_string(given.body.size()) + "\r\n" + given.headers +
             (keep_alive ? "" : "Connection: close\r\n") + "\r\n";
    if (!is_head_) bytes += given.body;
    for (std::size_t done = 0; done < bytes.size();) {
      error_code error;
      watchdog_.set(limits().stalled_write_time);
      done += co_await socket_.async_write_some(
          asio::buffer(bytes.data() + done, bytes.size() - done), into(error));
      if (error) co_return false;
    }
    watchdog_.clear();
    co_return keep_alive;
  }

  // What the client still sends is read for a while: closing at once would reset the connection,
  // and the client might never see the answer.
  Awaitable<void> refuse_and_close(const wire::Refusal& refusal) {
    const Answer refused = refuse(refusal);
    co_await write_answer(refused, false);
    error_code error;
    socket_.shutdown(Socket::shutdown_send, error);
    watchdog_.set(kLingeringTime);
    std::array<char, 4096> bytes{};
    for (std::size_t read = 0; !error && read < kLingeringBytes;) {
      read += co_await socket_.async_read_some(asio::buffer(bytes), into(error));
    }
    watchdog_.clear();
  }

  [[nodiscard]] const core::Limits& limits() const { return engine_.settings.limits; }
  static std::optional<wire::Refusal> too_slow(const std::string& what, core::Duration time) {
    return wire::Refusal{408, "the " + what + " is not there; expected it whole within " +
                                  std::to_string(core::to_ms(time)) + " ms"};
  }

  static constexpr std::size_t kFirstRead = 2048;

  Engine& engine_;
  Socket socket_;
  Watchdog watchdog_;
  beast::flat_buffer buffer_;
  std::optional<wire::TaskQuery> stream_;  // what the last request asked for
  bool is_head_ = false;                   // what is being answered is HEAD: the answer has no body
};

}  // namespace

Awaitable<void> serve_connection(Engine& engine, Socket socket) {
  Connection connection(engine, std::move(socket));
  co_await connection.serve();
}

Awaitable<void> turn_away(Engine& engine, Socket socket) {
  Connection connection(engine, std::move(socket));
  co_await connection.turn_away();
}

}  // namespace pena::server
