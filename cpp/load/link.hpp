// Sockets that never block, and the one thread that waits for all of them.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "client/url.hpp"

namespace pena::load {

using Clock = std::chrono::steady_clock;

class Watched {
 public:
  virtual ~Watched() = default;
  virtual void ready(std::uint32_t events) = 0;
};

class Poller {
 public:
  Poller();
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // Until something was ready or it is `until`, whichever comes first.
  void wait(Clock::time_point until);

  void watch(int fd, Watched& watched) const;
  void want_write(int fd, Watched& watched, bool wanted) const;
  void forget(int fd) const;
  // For what is read: one for all.
  [[nodiscard]] std::array<char, 256UL * 1024>& buffer() { return buffer_; }

 private:
  int epoll_ = -1;
  int timer_ = -1;
  std::array<char, 256UL * 1024> buffer_{};
};

// A connection to the server. Throws LoadError, also out of the poller's wait().
class Link : public Watched {
 public:
  Link(Poller& poller, const client::ServerAddress& address);
  ~Link() override;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  void send(std::string_view bytes);
  void ready(std::uint32_t events) final;

 protected:
  virtual void on_bytes(std::string_view bytes) = 0;
  // The server closed its side. Throws, unless it should have.
  virtual void on_end();

 private:
  void write_waiting();

  Poller& poller_;
  int fd_ = -1;
  std::string waiting_;  // what the socket did not take yet
};

}  // namespace pena::load
