// Cancels a socket's operations when they take too long. For one I/O thread.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "core/instant.hpp"

namespace pena::server {

class Watchdog {
 public:
  explicit Watchdog(boost::asio::ip::tcp::socket& socket);
  ~Watchdog();  // the socket is left alone from then on
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // From now on, `time` for what runs and is started on the socket. Replaces what was set before.
  void set(core::Duration time);
  void clear();
  // The time set last was over.
  [[nodiscard]] bool bit() const { return bit_; }

 private:
  void bite_after(core::Duration time);

  // Outlives the watchdog while its timer's handler is on the way.
  struct Leash {
    Watchdog* watchdog;
    unsigned round = 0;
  };
  boost::asio::ip::tcp::socket& socket_;
  std::shared_ptr<Leash> leash_;
  boost::asio::steady_timer timer_;
  bool bit_ = false;
};

}  // namespace pena::server
