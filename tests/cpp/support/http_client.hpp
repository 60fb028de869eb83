// A blocking client over plain sockets, for tests: it sends what it is told, however wrong, and
// fails loudly when nothing comes. It shares no code with the server.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace pena::test {

struct HttpAnswer {
  int status = 0;
  std::map<std::string, std::string> fields;  // names in lower case
  std::string body;
  std::size_t largest_chunk = 0;  // of the body, in bytes; 0: it came as it is

  [[nodiscard]] std::string field(const std::string& name) const {
    const auto at = fields.find(name);
    return at == fields.end() ? "" : at->second;
  }
};

class HttpClient {
 public:
  // `receive_buffer`: bytes that the kernel keeps for a client that does not read; 0: its default.
  explicit HttpClient(std::uint16_t port, int receive_buffer = 0)
      : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (socket_ < 0) throw std::runtime_error("no socket");
    if (receive_buffer > 0) {
      ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    if (port != 0) connect(port);
  }
  ~HttpClient() { close(); }
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  void connect(std::uint16_t port) const {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("nobody listens on port " + std::to_string(port));
    }
  }
  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  void end_of_sending() const { ::shutdown(socket_, SHUT_WR); }

  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) throw std::runtime_error("the server closed while it was sent something");
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  // False when there is nothing to read within the time.
  [[nodiscard]] bool has_something_within(int ms) const {
    pollfd waiting{socket_, POLLIN, 0};
    return !unread_.empty() || ::poll(&waiting, 1, ms) > 0;
  }
  // What comes next, at least a byte; empty: the server closed.
  [[nodiscard]] std::string read_some() {
    if (!unread_.empty()) return std::exchange(unread_, {});
    if (!has_something_within(kPatienceMs)) throw std::runtime_error("the server says nothing");
    char bytes[16 * 1024];
    const ssize_t size = ::recv(socket_, bytes, sizeof bytes, 0);
    return size > 0 ? std::string(bytes, static_cast<std::size_t>(size)) : std::string{};
  }
  [[nodiscard]] std::string read_to_end() {
    std::string all;
    for (std::string some = read_some(); !some.empty(); some = read_some()) all += some;
    return all;
  }

  // Up to the empty line. What follows is kept for the next read.
  [[nodiscard]] HttpAnswer read_head() {
    std::string bytes;
    std::size_t end = std::string::npos;
    while ((end = bytes.find("\r\n\r\n")) == std::string::npos) {
      const std::string some = read_some();
      if (some.empty()) throw std::runtime_error("the server closed after \"" + bytes + "\"");
      bytes += some;
    }
    unread_ = bytes.substr(end + 4);
    return parse_head(std::string_view{bytes}.substr(0, end + 2));
  }
  [[nodiscard]] HttpAnswer read_answer(bool to_head = false) {
    HttpAnswer answer = read_head();
    if (to_head || answer.status == 100) return answer;
    if (answer.field("transfer-encoding") == "chunked") {
      while (true) {
        const auto chunk = read_chunk();
        if (!chunk) throw std::runtime_error("the server closed within a body");
        if (chunk->empty()) return answer;
        answer.body += *chunk;
        answer.largest_chunk = std::max(answer.largest_chunk, chunk->size());
      }
    }
    const std::size_t size = std::stoul(answer.field("content-length"));
    while (answer.body.size() < size) {
      const std::string some = read_some();
      if (some.empty()) throw std::runtime_error("the server closed within a body");
      answer.body += some;
    }
    unread_ = answer.body.substr(size);
    answer.body.resize(size);
    return answer;
  }

  // The bytes of the next chunk; empty: it is the last one; nothing: the server closed before it.
  [[nodiscard]] std::optional<std::string> read_chunk() {
    std::string bytes;
    while (true) {
      const std::size_t line = bytes.find("\r\n");
      const std::size_t size = line == std::string::npos ? 0 : std::stoul(bytes, nullptr, 16);
      if (line != std::string::npos && bytes.size() >= line + 2 + size + 2) {
        if (bytes.substr(line + 2 + size, 2) != "\r\n") throw std::runtime_error("a bad chunk");
        unread_ = bytes.substr(line + 2 + size + 2);
        return bytes.substr(line + 2, size);
      }
      const std::string some = read_some();
      if (some.empty()) return std::nullopt;
      bytes += some;
    }
  }

  HttpAnswer request(const std::string& method, const std::string& target,
                     const std::string& body = {}) {
    send(head(method, target, body.size()) + body);
    return read_answer(method == "HEAD");
  }
  [[nodiscard]] static std::string head(const std::string& method, const std::string& target,
                                        std::size_t length = 0, const std::string& more = {}) {
    const std::string size =
        length > 0 ? "Content-Length: " + std::to_string(length) + "\r\n" : std::string{};
    return method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n" + size + more + "\r\n";
  }

 private:
  static constexpr int kPatienceMs = 30'000;

  static HttpAnswer parse_head(std::string_view text) {
    HttpAnswer answer;
    answer.status = std::stoi(std::string{text.substr(9, 3)});
    text.remove_prefix(text.find("\r\n") + 2);
    while (!text.empty()) {
      const auto end = text.find("\r\n");
      const auto colon = text.find(": ");
      std::string name{text.substr(0, colon)};
      std::transform(name.begin(), name.end(), name.begin(),
                     [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
      answer.fields[name] = text.substr(colon + 2, end - colon - 2);
      text.remove_prefix(end + 2);
    }
    return answer;
  }

  int socket_;
  std::string unread_;
};

}  // namespace pena::test
