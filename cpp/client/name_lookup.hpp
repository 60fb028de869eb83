// The addresses behind a name. Who waits for them may be gone before they are known.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <vector>

namespace pena::client {

// The C library's look-up takes what time it likes and cannot be ended: some 10 s where no DNS server answers. Asio
// does it in a thread that its loop joins, so that a stop would last as long. Here each has a thread that nobody
// joins. They are few: whoever waits in vain asks again after 10 s or more, and the C library gives up about then.
//
// All but those threads is on the thread of the executor.
class NameLookup {
 public:
  using Endpoints = std::vector<boost::asio::ip::tcp::endpoint>;

  explicit NameLookup(const boost::asio::any_io_executor& executor) : over_(executor) {}
  ~NameLookup();
  NameLookup(const NameLookup&) = delete;
  NameLookup& operator=(const NameLookup&) = delete;

  // One at a time. Throws boost::system::system_error: operation_aborted where it is cancelled, try_again where
  // no thread can be started.
  [[nodiscard]] boost::asio::awaitable<Endpoints> look_up(const std::string& host,
                                                          const std::string& port);
  // For good.
  void cancel();

 private:
  struct Shared;
  static void look(const std::shared_ptr<Shared>& shared);
  void forget();

  boost::asio::steady_timer over_;  // cancelled when it is over
  bool is_cancelled_ = false;
  std::shared_ptr<Shared> shared_;  // of the look-up that is waited for
};

}  // namespace pena::client
