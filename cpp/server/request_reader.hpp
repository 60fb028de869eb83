// Reads the requests of one connection, one after the other, as its intake says. Between the pieces of a
// body nothing is kept but the body itself: what is read goes through a buffer that all connections share.
#pragma once

#include <boost/beast/core/flat_buffer.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "server/answer.hpp"
#include "server/engine.hpp"
#include "server/watchdog.hpp"
#include "turn/request_intake.hpp"

namespace pena::server {

class RequestReader {
 public:
  RequestReader(Engine& engine, Socket& socket);
  ~RequestReader();
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  enum class Read {
    request,  // a whole one: request()
    refusal,  // refusal() is to be answered, and the connection closed
    over,     // the peer is gone, or idled for too long
  };
  // Waits for the next request at leisure, then for the rest of it without.
  [[nodiscard]] Awaitable<Read> read();

  [[nodiscard]] Request& request() { return intake_.request(); }
  [[nodiscard]] const wire::Refusal& refusal() const { return *refusal_; }
  // Of the request that was read or refused last: its method and target, empty where they did not
  // come; its answer has no body; it may be answered in chunks, as HTTP/1.1 is.
  [[nodiscard]] const std::string& asked() const { return intake_.asked(); }
  [[nodiscard]] bool is_head() const { return intake_.is_head(); }
  [[nodiscard]] bool reads_chunks() const { return intake_.reads_chunks(); }
  [[nodiscard]] bool keep_alive() const { return intake_.keep_alive(); }

 private:
  using Buffer = boost::beast::flat_buffer;
  using Intake = turn::RequestIntake;

  // Until the head is there and what of the body came with it; then the rest.
  Awaitable<Intake::Next> read_head();
  Awaitable<Intake::Next> read_body();
  // True where there is more to be read.
  bool reads_on(const Intake::Next& next);
  Intake::Next take_head(const Intake::ParseHead& head);
  Intake::Next take_buffered_body();
  Intake::Next cut(const boost::system::error_code& error);
  Read tell(Intake::Next next);
  [[nodiscard]] std::string_view buffered() const;

  Engine& engine_;
  Socket& socket_;
  Watchdog watchdog_;
  Buffer buffer_;
  Intake intake_;
  std::optional<wire::Refusal> refusal_;
};

}  // namespace pena::server
