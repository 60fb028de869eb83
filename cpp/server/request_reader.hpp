// Reads the requests of one connection, one after the other. Between the pieces of a body nothing
// is kept but the body itself: what is read goes through a buffer that all connections share.
#pragma once

#include <boost/beast/core/flat_buffer.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "server/answer.hpp"
#include "server/engine.hpp"
#include "server/watchdog.hpp"
#include "wire/chunk_reader.hpp"
#include "wire/head_scan.hpp"
#include "wire/header_guard.hpp"

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

  [[nodiscard]] Request& request() { return *request_; }
  [[nodiscard]] const wire::Refusal& refusal() const { return *refusal_; }
  // Of the request that was read or refused last: its method and target, empty where they did not
  // come; its answer has no body; it may be answered in chunks, as HTTP/1.1 is.
  [[nodiscard]] const std::string& asked() const { return asked_; }
  [[nodiscard]] bool is_head() const { return is_head_; }
  [[nodiscard]] bool reads_chunks() const { return reads_chunks_; }
  [[nodiscard]] bool keep_alive() const { return admitted_.keep_alive; }

 private:
  using Buffer = boost::beast::flat_buffer;

  Awaitable<Read> read_head();
  // What has not come with the head. `has_begun`: some of it has.
  Awaitable<Read> read_body(bool has_begun);
  // Reads a head that is whole. Then request_ is there, but for its body.
  std::optional<wire::Refusal> admit(const wire::HeadScan& scan);
  // Puts to the body what belongs to it; `fed` bytes are dealt with.
  std::optional<wire::Refusal> feed(std::string_view bytes, std::size_t& fed);
  [[nodiscard]] bool is_whole() const { return chunks_ ? chunks_->done() : missing_ == 0; }
  wire::Refusal no_room();
  void note(const wire::RequestLine& line);
  Read refuse(wire::Refusal refusal);
  // What a read that was cut off means.
  Read broken_off(const boost::system::error_code& error, bool has_begun);
  [[nodiscard]] std::string_view buffered() const;
  [[nodiscard]] const core::Limits& limits() const { return engine_.settings.limits; }

  Engine& engine_;
  Socket& socket_;
  Watchdog watchdog_;
  Buffer buffer_;
  wire::Admitted admitted_;
  std::optional<Request> request_;
  std::size_t missing_ = 0;                  // of a body that told its length
  std::optional<wire::ChunkReader> chunks_;  // of one that did not
  std::optional<wire::Refusal> refusal_;
  std::string asked_;
  bool is_head_ = false;
  bool reads_chunks_ = false;
};

}  // namespace pena::server
