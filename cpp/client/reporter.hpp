// Posts reports, each once and one at a time, on one keep-alive connection, and tells what came of it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "client/url.hpp"
#include "core/client_logic.hpp"
#include "wire/json.hpp"

namespace pena::client {

class Reporter : public std::enable_shared_from_this<Reporter> {
 public:
  // With the numbers of the answer, where it has them.
  using Tell = std::function<void(const core::ReportTried&, const wire::ReportAnswer&)>;

  Reporter(const boost::asio::any_io_executor& executor, ServerAddress address, Tell tell);

  // When its wait is over. Replaces one that still waits.
  void send(const core::SendReport& send);
  // Nothing is told any more.
  void close();

 private:
  [[nodiscard]] boost::asio::awaitable<void> post_and_tell(std::string body);
  [[nodiscard]] boost::asio::awaitable<void> post(const std::string& body, core::ReportTried& tried,
                                                  std::string& answer);
  [[nodiscard]] bool is_connected();

  boost::asio::ip::tcp::socket socket_;
  boost::asio::ip::tcp::resolver resolver_;
  boost::asio::steady_timer wait_;
  ServerAddress address_;
  Tell tell_;
  std::uint64_t try_ = 0;  // number of the one under way, or of the last
  bool is_late_ = false;   // its answer did not come in time
  bool closed_ = false;
};

}  // namespace pena::client
