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
#include "wire/task_reader.hpp"

namespace pena::client {

class StreamReader : public std::enable_shared_from_this<StreamReader> {
 public:
  using Tell = std::function<void(std::uint64_t stream, const core::StreamEvent&)>;

  // `query`: of GET /task. What comes is told with that number.
  StreamReader(const boost::asio::any_io_executor& executor, ServerAddress address,
               std::uint64_t stream, std::string query, Tell tell, wire::TaskReading reading = {});

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
  void tell(const core::StreamEvent& event) { tell_(stream_, event); }

  Connection connection_;
  ServerAddress address_;
  std::uint64_t stream_;
  std::string query_;
  Tell tell_;
  wire::TaskReading reading_;
  std::array<char, 16 * 1024> bytes_{};
};

}  // namespace pena::client
