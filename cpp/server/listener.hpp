// The listening socket. Belongs to the I/O thread once it listens.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <string>
#include <utility>
#include <vector>

#include "server/engine.hpp"
#include "turn/door.hpp"

namespace pena::server {

struct ListenAddress {
  boost::asio::ip::address address;
  std::uint16_t port = 0;
};
// "127.0.0.1:8080", "[::1]:8080", "localhost:8080". Throws SettingsError.
[[nodiscard]] ListenAddress parse_listen(const std::string& text);
// Whom a server at this address answers to: any name where others can reach it anyway and no names
// are given.
[[nodiscard]] wire::GuardRules guard_rules(const ListenAddress& address,
                                           const std::vector<std::string>& names);
// "127.0.0.1:8080", as a URL has it.
[[nodiscard]] std::string written(const ListenAddress& address);

// An address that listens already, though nobody accepts yet.
class BoundPort {
 public:
  // Throws ListenError.
  explicit BoundPort(const ListenAddress& address);
  ~BoundPort();
  BoundPort(BoundPort&& other) noexcept;
  BoundPort& operator=(BoundPort&&) = delete;
  // Gives the descriptor away.
  [[nodiscard]] int release() { return std::exchange(file_, -1); }
  [[nodiscard]] const boost::asio::ip::tcp& protocol() const { return protocol_; }

 private:
  boost::asio::ip::tcp protocol_;
  int file_ = -1;
};

class Listener {
 public:
  Listener(Engine& engine, BoundPort port);
  [[nodiscard]] ListenAddress address() const;
  // Accepts until close(). Goes on where connections cannot be had for a while.
  [[nodiscard]] Awaitable<void> run();
  void close();

 private:
  void prepare(Socket& socket) const;
  void spawn(Socket socket);
  void warn(const std::string& text) const;

  Engine& engine_;
  Acceptor acceptor_;
  turn::Door door_;
};

}  // namespace pena::server
