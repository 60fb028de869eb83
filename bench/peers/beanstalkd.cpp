// beanstalkd has no client library in C++ in Debian: its text protocol, over a socket. Pipelined.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>

#include <charconv>
#include <cstring>

#include "peers/peer.hpp"

namespace pena::bench {
namespace {

class Socket {
 public:
  explicit Socket(const Peer& peer) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(peer.port);
    const int on = 1;
    if (inet_pton(AF_INET, peer.host.c_str(), &address.sin_addr) != 1 ||
        ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      throw PeerError(std::string{"beanstalkd: cannot connect: "} + std::strerror(errno));
    }
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { ::close(fd_); }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) throw PeerError("beanstalkd: the connection is lost");
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  // Without its line end; valid until the next call.
  std::string_view line() {
    for (;;) {
      const auto end = buffer_.find("\r\n", at_);
      if (end != std::string::npos) {
        const std::string_view found{buffer_.data() + at_, end - at_};
        at_ = end + 2;
        return found;
      }
      fill();
    }
  }

  // The bytes of a body, whose line end is taken off.
  std::string_view bytes(std::size_t size) {
    while (buffer_.size() - at_ < size + 2) fill();
    const std::string_view found{buffer_.data() + at_, size};
    at_ += size + 2;
    return found;
  }

 private:
  void fill() {
    buffer_.erase(0, at_);
    at_ = 0;
    const std::size_t had = buffer_.size();
    buffer_.resize(had + kRead);
    const auto got = ::recv(fd_, buffer_.data() + had, kRead, 0);
    if (got <= 0) throw PeerError("beanstalkd: the connection is lost");
    buffer_.resize(had + static_cast<std::size_t>(got));
  }

  static constexpr std::size_t kRead = 64 * 1024;
  int fd_;
  std::string buffer_;
  std::size_t at_ = 0;
};

class Beanstalkd final : public Link {
 public:
  explicit Beanstalkd(const Peer& peer) : socket_(peer) {}

  void put(std::span<const std::string> bodies) override {
    out_.clear();
    for (const std::string& body : bodies) {
      out_ += "put 0 0 120 " + std::to_string(body.size()) + "\r\n" + body + "\r\n";
    }
    socket_.send(out_);
    for (std::size_t i = 0; i < bodies.size(); ++i) expect("INSERTED ");
  }

  std::span<const std::string> take(std::uint32_t most, bool are_there) override {
    // There is no command for more than one. Reserves wait in whole seconds: see kPatience.
    const std::uint32_t asked = are_there ? most : 1;
    out_.clear();
    for (std::uint32_t i = 0; i < asked; ++i) out_ += "reserve-with-timeout 1\r\n";
    socket_.send(out_);
    bodies_.clear();
    for (std::uint32_t i = 0; i < asked; ++i) {
      const std::string_view line = socket_.line();
      if (line == "TIMED_OUT") continue;
      const auto space = line.rfind(' ');
      if (!line.starts_with("RESERVED ") || space < kReserved) refuse(line);
      jobs_.emplace_back(line.substr(kReserved, space - kReserved));
      std::size_t size = 0;
      std::from_chars(line.data() + space + 1, line.data() + line.size(), size);
      bodies_.emplace_back(socket_.bytes(size));
    }
    return bodies_;
  }

  void ack() override {
    out_.clear();
    for (const std::string& job : jobs_) out_ += "delete " + job + "\r\n";
    socket_.send(out_);
    for (std::size_t i = 0; i < jobs_.size(); ++i) expect("DELETED");
    jobs_.clear();
  }

 private:
  static constexpr std::size_t kReserved = std::string_view{"RESERVED "}.size();

  void expect(std::string_view word) {
    const std::string_view line = socket_.line();
    if (!line.starts_with(word)) refuse(line);
  }
  [[noreturn]] static void refuse(std::string_view line) {
    throw PeerError("beanstalkd: " + std::string{line});
  }

  Socket socket_;
  std::string out_;
  std::vector<std::string> jobs_, bodies_;
};

}  // namespace

void prepare(const Peer& peer) {
  Beanstalkd link{peer};
  for (;;) {  // what another run has left
    if (link.take(1, false).empty()) return;
    link.ack();
  }
}

std::unique_ptr<Link> connect(const Peer& peer, Role) {
  return std::make_unique<Beanstalkd>(peer);
}

}  // namespace pena::bench
