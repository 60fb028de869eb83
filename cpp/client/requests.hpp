// Requests of a client, each tried once: several at a time, each on a keep-alive connection of its own, and
// what came of each is told.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/connect.hpp"
#include "client/url.hpp"
#include "core/instant.hpp"

namespace pena::client {

// GET where it has no body, POST otherwise.
struct Request {
  std::string target;
  std::string body = {};
};

// What came of one.
struct Answered {
  core::Instant sent_at;                      // just before it was sent
  unsigned status = 0;                        // 0: no answer came
  std::optional<std::int64_t> at_ms;          // the server's clock, where it told
  std::optional<core::Duration> retry_after;  // likewise
  std::string why;                            // for a person, where it was not accepted
  std::string body;
};

// It outlives the loop of its executor, on whose thread all is called and told.
class Requests {
 public:
  using Tell = std::function<void(const Answered&)>;

  Requests(boost::asio::any_io_executor executor, ServerAddress address);

  // What becomes of it is told, also where it is abandoned. `number`: by which it is abandoned; one that is
  // under way has no other's.
  void send(std::uint64_t number, Request request, Tell tell);
  // Closes its connection, and so ends it, if it is under way.
  void abandon(std::uint64_t number);
  void abandon_all();

 private:
  using ConnectionPtr = std::shared_ptr<Connection>;
  [[nodiscard]] boost::asio::awaitable<void> send_and_tell(std::uint64_t number,
                                                           ConnectionPtr connection,
                                                           Request request, Tell tell);
  [[nodiscard]] boost::asio::awaitable<void> exchange(Connection& connection,
                                                      const Request& request, Answered& answered);
  [[nodiscard]] ConnectionPtr connection();
  void keep(ConnectionPtr connection);
  void close_idle();

  boost::asio::any_io_executor executor_;
  ServerAddress address_;
  std::map<std::uint64_t, ConnectionPtr> under_way_;
  std::vector<ConnectionPtr> idle_;
};

}  // namespace pena::client
