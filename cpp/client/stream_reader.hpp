// One stream: connects, asks for tasks, and tells what comes until it ends.
#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "client/url.hpp"
#include "core/client_logic.hpp"
#include "core/instant.hpp"

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
  struct Answer;
  void abandon();
  void limit(std::chrono::seconds time, std::string why);
  void end_limit();
  [[nodiscard]] boost::asio::awaitable<core::StreamClosed> read();
  [[nodiscard]] boost::asio::awaitable<core::Instant> ask(Answer& answer);
  [[nodiscard]] boost::asio::awaitable<core::StreamClosed> read_refusal(Answer& answer);
  [[nodiscard]] boost::asio::awaitable<core::StreamClosed> read_events(Answer& answer);
  [[nodiscard]] boost::asio::awaitable<std::string_view> read_some(
      Answer& answer, boost::system::error_code& error);
  void tell(const core::ClientEvent& event);
  void tell_event(const std::string& id, const std::string& data);
  void tell_comment(std::string_view comment);

  boost::asio::ip::tcp::socket socket_;
  boost::asio::ip::tcp::resolver resolver_;
  boost::asio::steady_timer limit_, slow_;
  ServerAddress address_;
  std::uint32_t batchsize_;
  std::optional<std::uint64_t> batches_;  // no more than these are wanted
  Tell tell_;
  std::uint64_t limit_number_ = 0;  // of the one that counts
  std::string late_;                // why what was under way was given up
  std::array<char, 16 * 1024> bytes_{};
  bool closed_ = false;
};

}  // namespace pena::client
