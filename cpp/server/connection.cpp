#include "server/connection.hpp"

#include <sys/socket.h>

#include <array>
#include <boost/asio/write.hpp>
#include <boost/beast/http/status.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "pena_version.hpp"
#include "server/answer.hpp"
#include "server/request_reader.hpp"
#include "server/task_stream.hpp"
#include "server/watchdog.hpp"
#include "turn/door.hpp"
#include "wire/chunk.hpp"

namespace pena::server {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr std::size_t kLingeringBytes = 256 * 1024;
constexpr core::Duration kLingeringTime = std::chrono::seconds{1};

// An aggregate that is made within a co_await expression is destroyed twice by gcc 12: here such
// are given a name first.
class Connection {
 public:
  Connection(Engine& engine, Socket socket)
      : engine_(engine),
        socket_(std::move(socket)),
        watchdog_(engine_.watchdogs, socket_),
        reader_(std::make_unique<RequestReader>(engine_, socket_)) {
    ++engine_.connections;
    engine_.sockets.insert(&socket_);
  }
  ~Connection() {
    --engine_.connections;
    engine_.sockets.erase(&socket_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Awaitable<void> serve() {
    while (engine_.desk.keeps_alive() && co_await serve_request()) {
    }
    if (stream_) {
      // A stream reads no more requests, and there may be many that idle.
      const bool reads_chunks = reader_->reads_chunks();
      reader_.reset();
      TaskStream stream(engine_, socket_, *stream_, reads_chunks);
      co_await stream.run();
    }
    error_code ignored;
    socket_.shutdown(Socket::shutdown_both, ignored);
  }

  Awaitable<void> turn_away() {
    const wire::Refusal full = turn::Door::refusal();
    co_await refuse_and_close(full);
  }

 private:
  // False when the connection is to be closed.
  Awaitable<bool> serve_request() {
    const RequestReader::Read read = co_await reader_->read();
    if (read == RequestReader::Read::over) co_return false;
    if (read == RequestReader::Read::refusal) {
      co_await refuse_and_close(reader_->refusal());
      co_return false;
    }
    turn::Asked asked = ask_or_500();
    if (const auto* const stream = std::get_if<turn::OpenStream>(&asked)) {
      co_return co_await open_stream(*stream);
    }
    const Answer given = co_await answer_or_500(std::move(reader_->request()), asked);
    co_return co_await write_answer(given, reader_->keep_alive());
  }

  // False: the stream is served when the request is out of the way.
  Awaitable<bool> open_stream(const turn::OpenStream& asked) {
    if (!asked.head_only) {
      stream_ = asked.joined;
      stream_->address = peer_address();
      co_return false;
    }
    const std::string head =
        TaskStream::head(engine_, asked.joined.client, reader_->reads_chunks(), true);
    error_code ignored;
    co_await asio::async_write(socket_, asio::buffer(head), into(ignored));
    co_return false;
  }

  turn::Asked ask_or_500() {
    try {
      return engine_.ask(reader_->request().asked);
    } catch (const std::exception& error) {
      return failed(error);
    }
  }

  // The request takes its part of the room for bodies until then.
  Awaitable<Answer> answer_or_500([[maybe_unused]] Request request, turn::Asked& asked) {
    try {
      co_return co_await answer(engine_, asked);
    } catch (const std::bad_alloc&) {
      engine_.log(core::LogLevel::error, "the memory is out, so a request is refused");
      co_return Answer{turn::busy("the memory is out")};
    } catch (const std::exception& error) {
      // The store could not be read; the turn loop finds out for itself whether it can be
      // written.
      co_return Answer{failed(error)};
    }
  }

  turn::Answer failed(const std::exception& error) const {
    engine_.log(core::LogLevel::error, error.what());
    return turn::refuse({500, error.what()});
  }

  void log_refusal(const Answer& given) const {
    if (!engine_.settings.log.wants(core::LogLevel::info)) return;
    const auto untold = engine_.refusals.note(given.status, engine_.clock.now());
    if (!untold) return;
    engine_.log(core::LogLevel::info,
                turn::RefusalLog::line(reader_->asked(), peer_text(), given, *untold));
  }
  std::string peer_text() const {
    const std::string address = peer_address();
    return address.empty() ? "a peer that is gone" : address;
  }
  // Empty where it is gone.
  std::string peer_address() const {
    error_code error;
    const auto peer = socket_.remote_endpoint(error);
    if (error) return {};
    return peer.address().to_string() + " port " + std::to_string(peer.port());
  }

  // True when the connection may go on.
  Awaitable<bool> write_answer(const Answer& given, bool keep_alive) {
    log_refusal(given);
    keep_alive = keep_alive && engine_.desk.keeps_alive();
    std::string bytes = answer_head(given, keep_alive);
    if (!reader_->is_head() && !given.rest) bytes += given.body;
    const std::string_view rest = send_at_once(bytes);
    if (!rest.empty() && !co_await write(rest)) co_return false;
    if (!reader_->is_head() && given.rest && !co_await write_slices(given)) co_return false;
    co_return keep_alive;
  }

  // As much as goes without waiting, which as a rule is all. Returns the rest; errors meet it, too.
  std::string_view send_at_once(std::string_view bytes) {
    const ssize_t sent =
        ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return bytes.substr(sent > 0 ? static_cast<std::size_t>(sent) : 0);
  }

  Awaitable<bool> write(std::string_view bytes) {
    while (!bytes.empty()) {
      error_code error;
      watchdog_.set(limits().stalled_write_time);
      bytes.remove_prefix(
          co_await socket_.async_write_some(asio::buffer(bytes.data(), bytes.size()), into(error)));
      if (error) co_return false;
    }
    watchdog_.clear();
    co_return true;
  }

  // A body that is read and written in turns. False where it broke off: then the connection is to be
  // closed, and the last chunk is missing.
  Awaitable<bool> write_slices(const Answer& given) {
    const bool chunked = reader_->reads_chunks();
    std::string slice(wire::kChunkRoom, ' ');
    slice += given.body;
    while (true) {
      const std::string_view bytes =
          chunked ? wire::as_chunk(slice) : std::string_view{slice}.substr(wire::kChunkRoom);
      if (!co_await write(bytes)) co_return false;
      if (given.rest->done()) break;
      slice.assign(wire::kChunkRoom, ' ');
      try {
        co_await read_slice(engine_, *given.rest, slice);
      } catch (const std::exception& error) {
        engine_.log(core::LogLevel::error, error.what());
        co_return false;
      }
    }
    // Apart: gcc 12 awaits the right side of a co_return's || in any case.
    if (!chunked) co_return true;
    co_return co_await write(wire::kLastChunk);
  }

  // Up to the empty line, with room for what follows. Nothing of it is to be kept by a cache: what is
  // asked for changes.
  std::string answer_head(const Answer& given, bool keep_alive) const {
    constexpr std::size_t kUsualHead = 512;
    const auto status = http::int_to_status(given.status);
    const std::string_view reason = http::obsolete_reason(status);
    std::string head;
    head.reserve(kUsualHead + given.body.size());
    head.append("HTTP/1.1 ").append(std::to_string(given.status)).append(" ").append(reason);
    head.append("\r\n").append(engine_.date_line());
    head.append("Server: pena/").append(kVersion).append("\r\n");
    if (status != http::status::no_content) {
      head.append("Content-Type: application/json\r\n");
      if (!given.rest) {
        head.append("Content-Length: ").append(std::to_string(given.body.size())).append("\r\n");
      } else if (reader_->reads_chunks()) {
        head.append("Transfer-Encoding: chunked\r\n");
      }
    }
    head.append("Cache-Control: no-store\r\n").append(given.headers);
    head.append(keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n");
    const auto idle = std::chrono::floor<std::chrono::seconds>(limits().idle_time).count();
    if (keep_alive && idle > 0) {
      head.append("Keep-Alive: timeout=").append(std::to_string(idle)).append("\r\n");
    }
    return head.append("\r\n");
  }

  // What the client still sends is read for a while: closing at once would reset the connection,
  // and the client might never see the answer.
  Awaitable<void> refuse_and_close(const wire::Refusal& refusal) {
    const Answer refused{turn::refuse(refusal)};
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

  Engine& engine_;
  Socket socket_;
  Watchdog watchdog_;
  std::unique_ptr<RequestReader> reader_;     // until a stream begins
  std::optional<core::ClientJoined> stream_;  // what the last request asked for
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
