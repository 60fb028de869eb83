// Posts reports, each once and one at a time, on one keep-alive connection, and tells what came of it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "client/connect.hpp"
#include "client/url.hpp"
#include "core/client_event.hpp"
#include "wire/json.hpp"

namespace pena::client {

// It outlives the loop of its executor.
class Reporter {
 public:
  // With the numbers of the answer, where it has them.
  using Tell = std::function<void(const core::ReportTried&, const wire::ReportAnswer&)>;

  Reporter(boost::asio::any_io_executor executor, ServerAddress address, Tell tell);

  // What becomes of it is told, also where it is abandoned.
  void send(const core::SendReport& send);
  // Closes the connection, and with it ends what is under way.
  void abandon();

 private:
  using ConnectionPtr = std::shared_ptr<Connection>;
  [[nodiscard]] boost::asio::awaitable<void> post_and_tell(ConnectionPtr connection,
                                                           core::ReportTried tried,
                                                           std::string body);
  [[nodiscard]] boost::asio::awaitable<void> post(Connection& connection, const std::string& body,
                                                  core::ReportTried& tried, std::string& answer);
  [[nodiscard]] bool is_connected() const;

  boost::asio::any_io_executor executor_;
  ServerAddress address_;
  Tell tell_;
  ConnectionPtr connection_;
};

}  // namespace pena::client
