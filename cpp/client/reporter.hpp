// Sends reports, one after the other, on one keep-alive connection, each until it is answered.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
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
  // ReportAnswered, AnchorRenewed or ReportRefused, with the answer's numbers or the reason.
  using Tell = std::function<void(const core::ClientEvent&, const wire::ReportAnswer&,
                                  const std::string& refusal)>;
  struct Backoff {
    std::chrono::milliseconds first, most;
  };

  Reporter(const boost::asio::any_io_executor& executor, ServerAddress address, Backoff backoff,
           Tell tell);

  void send(const core::Reported& report);
  // Asks for the server's clock, behind the reports that wait.
  void ask_for_time();
  // Until close().
  [[nodiscard]] boost::asio::awaitable<void> run();
  void close();

 private:
  struct Reply {
    unsigned status = 0;
    std::string body;
    std::optional<std::int64_t> at_ms;
  };
  [[nodiscard]] boost::asio::awaitable<void> send_first();
  [[nodiscard]] boost::asio::awaitable<Reply> post(const std::string& body);
  [[nodiscard]] boost::asio::awaitable<void> connect();

  boost::asio::ip::tcp::socket socket_;
  boost::asio::ip::tcp::resolver resolver_;
  boost::asio::steady_timer wake_;
  ServerAddress address_;
  Backoff backoff_;
  Tell tell_;
  struct Body {
    std::string json;
    bool asks_for_time = false;
  };
  std::deque<Body> bodies_;
  bool closed_ = false;
};

}  // namespace pena::client
