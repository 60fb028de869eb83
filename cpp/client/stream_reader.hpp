// One stream: connects, asks for tasks, and tells what comes until it ends.
#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "client/connect.hpp"
#include "client/url.hpp"
#include "core/client_event.hpp"
#include "core/instant.hpp"

namespace pena::client {

class StreamReader : public std::enable_shared_from_this<StreamReader> {
 public:
  using Tell = std::function<void(std::uint64_t stream, const core::StreamEvent&)>;

  // What comes is told with the number of `open`.
  StreamReader(const boost::asio::any_io_executor& executor, ServerAddress address,
               std::uint32_t batchsize, const core::OpenStream& open, Tell tell);

  // Ends when the stream does; the last thing told is StreamClosed, with as much of a refusal as came.
  [[nodiscard]] boost::asio::awaitable<void> run();
  void close() { connection_.close(); }

 private:
  struct Answer;
  [[nodiscard]] boost::asio::awaitable<core::StreamClosed> read();
  [[nodiscard]] boost::asio::awaitable<core::Instant> ask(Answer& answer);
  [[nodiscard]] boost::asio::awaitable<core::StreamClosed> read_refusal(Answer& answer);
  [[nodiscard]] boost::asio::awaitable<core::StreamClosed> read_events(Answer& answer);
  [[nodiscard]] boost::asio::awaitable<std::string_view> read_some(
      Answer& answer, boost::system::error_code& error);
  void tell(const core::StreamEvent& event) { tell_(open_.stream, event); }

  Connection connection_;
  ServerAddress address_;
  std::uint32_t batchsize_;
  core::OpenStream open_;
  Tell tell_;
  std::array<char, 16 * 1024> bytes_{};
};

}  // namespace pena::client
