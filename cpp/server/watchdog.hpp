// Cancels a socket's operations when they take too long. One timer serves all sockets: each request
// sets and clears its watchdog several times, and hardly any ever bites. For one I/O thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "core/instant.hpp"
#include "server/io.hpp"

namespace pena::server {

class Watchdog;

class Watchdogs {
 public:
  explicit Watchdogs(boost::asio::io_context& io) : timer_(io) {}
  // Before the io_context goes: from here on nobody is bitten.
  void end() { timer_.reset(); }

 private:
  friend class Watchdog;
  using Time = std::chrono::steady_clock::time_point;
  struct Watched {
    Time until;
    Watchdog* watchdog;
  };

  void wake_by(Time at);
  void bite_who_is_late();

  std::vector<Watched> watched_;  // in no order
  std::optional<Timer> timer_;
  Time wakes_at_ = Time::max();  // the earliest time that was set, or before it
};

class Watchdog {
 public:
  // `bitten` is called at once, whatever is still on its way to be told that it was cancelled. It leaves
  // all watchdogs alone.
  Watchdog(Watchdogs& all, Socket& socket, std::function<void()> bitten = nullptr)
      : all_(all), socket_(socket), bitten_(std::move(bitten)) {}
  ~Watchdog() { clear(); }  // the socket is left alone from then on
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // From now on, `time` for what runs and is started on the socket. Replaces what was set before.
  void set(core::Duration time);
  void clear();
  // The time set last was over, and it is not cleared since.
  [[nodiscard]] bool bit() const { return bit_; }

 private:
  friend class Watchdogs;

  Watchdogs& all_;
  Socket& socket_;
  std::function<void()> bitten_;
  std::optional<std::size_t> place_;  // among those that are watched
  bool bit_ = false;
};

}  // namespace pena::server
