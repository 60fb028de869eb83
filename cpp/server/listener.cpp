#include "server/listener.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <charconv>
#include <new>
#include <utility>

#include "server/connection.hpp"
#include "server/peer.hpp"

namespace pena::server {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr int kMostUnsent = 128 * 1024;  // bytes, of one connection
constexpr std::chrono::milliseconds kRetryAccept{100};

[[noreturn]] void bad_listen(const std::string& text) {
  throw SettingsError("listen is \"" + text +
                      "\"; expected address:port, such as 127.0.0.1:8080, [::1]:8080 or "
                      "127.0.0.1:0 for a free port");
}

}  // namespace

ListenAddress parse_listen(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) bad_listen(text);
  std::string host = text.substr(0, colon);
  const std::string port_text = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    bad_listen(text);  // a bare IPv6 address: where it ends is anybody's guess
  }
  if (host == "localhost") host = "127.0.0.1";
  ListenAddress listen;
  error_code error;
  listen.address = asio::ip::make_address(host, error);
  const auto [end, bad] =
      std::from_chars(port_text.data(), port_text.data() + port_text.size(), listen.port);
  if (error || bad != std::errc{} || end != port_text.data() + port_text.size()) bad_listen(text);
  return listen;
}

wire::GuardRules guard_rules(const ListenAddress& address, const std::vector<std::string>& names) {
  return {!address.address.is_loopback() && names.empty(), names};
}

std::string written(const ListenAddress& address) {
  const std::string host = address.address.to_string();
  return (address.address.is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(address.port);
}

BoundPort::BoundPort(const ListenAddress& address)
    : protocol_(address.address.is_v6() ? tcp::v6() : tcp::v4()) {
  asio::io_context io;
  Acceptor acceptor(io);
  const tcp::endpoint endpoint(address.address, address.port);
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(Acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) throw ListenError("cannot listen on " + written(address) + ": " + error.message());
  file_ = acceptor.release();
}

BoundPort::BoundPort(BoundPort&& other) noexcept
    : protocol_(other.protocol_), file_(other.release()) {}

BoundPort::~BoundPort() {
  if (file_ >= 0) ::close(file_);
}

Listener::Listener(Engine& engine, BoundPort port)
    : engine_(engine), acceptor_(engine.io), door_(engine.settings.limits.connections) {
  acceptor_.assign(port.protocol(), port.release());
}

ListenAddress Listener::address() const {
  const tcp::endpoint endpoint = acceptor_.local_endpoint();
  return {endpoint.address(), endpoint.port()};
}

Awaitable<void> Listener::run() {
  Timer retry(engine_.io);
  while (acceptor_.is_open()) {
    error_code error;
    Socket socket = co_await acceptor_.async_accept(into(error));
    if (error == asio::error::operation_aborted) continue;
    if (error) {
      // Out of descriptors or memory: those who are connected are served on.
      warn(door_.failed("cannot accept a connection: " + error.message()));
      retry.expires_after(kRetryAccept);
      co_await retry.async_wait(into(error));
      continue;
    }
    bool spawned = false;
    try {
      prepare(socket);
      spawn(std::move(socket));
      spawned = true;
    } catch (const std::bad_alloc&) {
      warn(door_.failed("cannot take a connection: the memory is out"));
    }
    if (!spawned) {
      retry.expires_after(kRetryAccept);
      co_await retry.async_wait(into(error));
    }
  }
}

void Listener::spawn(Socket socket) {
  const turn::Door::Knock knock = door_.knock(engine_.connections);
  warn(knock.warning);
  if (knock.entry == turn::Door::Entry::serve) {
    asio::co_spawn(engine_.io, serve_connection(engine_, std::move(socket)), asio::detached);
  } else if (knock.entry == turn::Door::Entry::refuse) {
    asio::co_spawn(engine_.io, turn_away(engine_, std::move(socket)), asio::detached);
  }
}

void Listener::warn(const std::string& text) const {
  if (!text.empty()) engine_.log(core::LogLevel::warning, text);
}

void Listener::prepare(Socket& socket) const {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  // A peer that vanished without a word is noticed when what it was sent is not acknowledged.
  wait_for_acknowledgements(socket.native_handle(), engine_.settings.limits.stalled_write_time);
  // Little that is not sent waits in the kernel: what is stamped now leaves soon.
  const int unsent = kMostUnsent;
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
}

void Listener::close() {
  error_code ignored;
  acceptor_.close(ignored);
}

}  // namespace pena::server
