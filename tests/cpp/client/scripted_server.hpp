// A server that does what a test tells it, right or wrong, on a real socket. It shares no code with
// Pena's.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace pena::client::test {

// One connection, for the script that answers on it.
class Peer {
 public:
  explicit Peer(int socket) : socket_(socket) {}
  void send(const std::string& bytes) const {
    (void)::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  // Waits until the client closes.
  void wait_for_close() const {
    char byte = 0;
    while (::recv(socket_, &byte, 1, 0) > 0) {
    }
  }

 private:
  int socket_;
};

struct Call {
  std::string line;  // "GET /task?batchsize=2 HTTP/1.1"
  std::string head, body;
};

inline bool is_stream(const Call& call) {
  return call.line.starts_with("GET /task");
}

// The id of the msg 1 to 9.
inline std::string id(int number) {
  return "9m4e2mr0ui3e8a2100" + std::to_string(number) + "0";
}

class ScriptedServer {
 public:
  // Answers a call; false: close the connection.
  using Script = std::function<bool(const Call& call, const Peer& peer)>;

  explicit ScriptedServer(Script script) : script_(std::move(script)) {
    listening_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listening_, plain, size) != 0 || ::listen(listening_, 64) != 0 ||
        ::getsockname(listening_, plain, &size) != 0) {
      throw std::runtime_error("cannot listen");
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~ScriptedServer() {
    ::shutdown(listening_, SHUT_RDWR);
    acceptor_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
    }
    for (std::thread& thread : threads_) thread.join();
    for (const int socket : sockets_) ::close(socket);
    ::close(listening_);
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::uint16_t port() const { return port_; }

  // The next call whose line begins so; throws when none comes for ten seconds.
  Call next(const std::string& beginning) {
    std::unique_lock lock(mutex_);
    std::optional<Call> found;
    const bool came = called_.wait_for(lock, std::chrono::seconds{10}, [&] {
      for (auto call = calls_.begin(); call != calls_.end(); ++call) {
        if (!call->line.starts_with(beginning)) continue;
        found = std::move(*call);
        calls_.erase(call);
        return true;
      }
      return false;
    });
    if (!came) throw std::runtime_error("no " + beginning + " came");
    return *found;
  }

 private:
  void accept_all() {
    while (true) {
      const int socket = ::accept(listening_, nullptr, nullptr);
      if (socket < 0) return;
      const std::lock_guard lock(mutex_);
      sockets_.push_back(socket);
      threads_.emplace_back([this, socket] { serve(socket); });
    }
  }

  void serve(int socket) {
    std::string bytes;
    while (std::optional<Call> call = read_call(socket, bytes)) {
      {
        const std::lock_guard lock(mutex_);
        calls_.push_back(*call);
      }
      called_.notify_all();
      if (!script_(*call, Peer{socket})) break;
    }
    ::shutdown(socket, SHUT_RDWR);
  }

  static std::optional<Call> read_call(int socket, std::string& bytes) {
    const auto read_until = [&](auto done) {
      while (!done()) {
        char piece[4096];
        const ssize_t size = ::recv(socket, piece, sizeof piece, 0);
        if (size <= 0) return false;
        bytes.append(piece, static_cast<std::size_t>(size));
      }
      return true;
    };
    if (!read_until([&] { return bytes.find("\r\n\r\n") != std::string::npos; })) return {};
    const auto end = bytes.find("\r\n\r\n");
    Call call{bytes.substr(0, bytes.find("\r\n")), bytes.substr(0, end), {}};
    bytes.erase(0, end + 4);
    std::size_t length = 0;
    if (const auto at = call.head.find("Content-Length: "); at != std::string::npos) {
      length = std::stoul(call.head.substr(at + 16));
    }
    if (!read_until([&] { return bytes.size() >= length; })) return {};
    call.body = bytes.substr(0, length);
    bytes.erase(0, length);
    return call;
  }

  Script script_;
  int listening_ = -1;
  std::uint16_t port_ = 0;
  std::thread acceptor_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable called_;
  std::deque<Call> calls_;
  std::vector<int> sockets_;
  std::vector<std::thread> threads_;
};

}  // namespace pena::client::test
