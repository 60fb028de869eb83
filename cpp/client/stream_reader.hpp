// One stream: connects, asks for tasks, and tells what comes until it ends.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "client/url.hpp"
#include "core/client_logic.hpp"

namespace pena::client {

class StreamReader : public std::enable_shared_from_this<StreamReader> {
 public:
  using Tell = std::function<void(const core::ClientEvent&)>;

  StreamReader(const boost::asio::any_io_executor& executor, ServerAddress address,
               std::uint32_t batchsize, std::optional<std::uint64_t> batches, Tell tell);

  // Ends when the stream does; the last thing told is StreamClosed, unless close() was called: then
  // nothing is told any more.
  [[nodiscard]] boost::asio::awaitable<void> run();
  void close();

 private:
  void abandon();
  [[nodiscard]] boost::asio::awaitable<core::StreamClosed> read();
  void tell(const core::ClientEvent& event);
  void tell_event(const std::string& id, const std::string& data);
  void tell_comment(std::string_view comment);

  boost::asio::ip::tcp::socket socket_;
  boost::asio::ip::tcp::resolver resolver_;
  ServerAddress address_;
  std::uint32_t batchsize_;
  std::optional<std::uint64_t> batches_;  // no more than these are wanted
  Tell tell_;
  bool closed_ = false;
  bool is_late_ = false;
};

}  // namespace pena::client
