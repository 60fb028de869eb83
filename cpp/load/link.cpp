#include "load/link.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "load/load.hpp"

namespace pena::load {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw LoadError(what + ": " + std::strerror(errno));
}

int connected(const client::ServerAddress& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found);
  if (code != 0) throw LoadError("cannot find " + address.host + ": " + gai_strerror(code));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> all(found, &freeaddrinfo);
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    const int fd = socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, one->ai_protocol);
    if (fd < 0) fail("cannot open a socket");
    if (connect(fd, one->ai_addr, one->ai_addrlen) == 0) return fd;
    close(fd);
  }
  fail("cannot connect to " + address.host_header);
}

}  // namespace

Poller::Poller()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)),
      timer_(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
  if (epoll_ < 0 || timer_ < 0) fail("cannot wait for sockets");
  epoll_event event{};
  event.events = EPOLLIN;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, timer_, &event) != 0) fail("cannot wait for a timer");
}

Poller::~Poller() {
  close(timer_);
  close(epoll_);
}

void Poller::watch(int fd, Watched& watched) const {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &watched;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) fail("cannot wait for a socket");
}

void Poller::want_write(int fd, Watched& watched, bool wanted) const {
  epoll_event event{};
  event.events = EPOLLIN;
  if (wanted) event.events |= EPOLLOUT;
  event.data.ptr = &watched;
  if (epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) != 0) fail("cannot wait for a socket");
}

void Poller::forget(int fd) const {
  if (epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr) != 0) fail("cannot leave a socket");
}

void Poller::wait(Clock::time_point until) {
  using std::chrono::duration_cast;
  using std::chrono::nanoseconds;
  // A timer, for epoll counts in whole milliseconds.
  const auto left = duration_cast<nanoseconds>(until - Clock::now()).count();
  int timeout = 0;
  if (left > 0) {
    itimerspec spec{};
    spec.it_value.tv_sec = left / 1'000'000'000;
    spec.it_value.tv_nsec = left % 1'000'000'000;
    timerfd_settime(timer_, 0, &spec, nullptr);
    timeout = -1;
  }
  std::array<epoll_event, 256> events{};
  const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout);
  if (count < 0 && errno != EINTR) fail("cannot wait for sockets");
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.ptr != nullptr) static_cast<Watched*>(event.data.ptr)->ready(event.events);
  }
}

Link::Link(Poller& poller, const client::ServerAddress& address)
    : poller_(poller), fd_(connected(address)) {
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK);
  poller_.watch(fd_, *this);
}

Link::~Link() {
  close(fd_);
}

void Link::send(std::string_view bytes) {
  const bool waits = !waiting_.empty();
  waiting_ += bytes;
  if (!waits) write_waiting();
}

void Link::write_waiting() {
  while (!waiting_.empty()) {
    const ssize_t sent = ::send(fd_, waiting_.data(), waiting_.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return poller_.want_write(fd_, *this, true);
    if (sent < 0) fail("the server closed a connection");
    waiting_.erase(0, static_cast<std::size_t>(sent));
  }
}

void Link::on_end() {
  throw LoadError("the server closed a connection");
}

void Link::ready(std::uint32_t events) {
  if ((events & EPOLLOUT) != 0) {
    poller_.want_write(fd_, *this, false);
    write_waiting();
  }
  if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) == 0) return;
  auto& buffer = poller_.buffer();
  const ssize_t read = recv(fd_, buffer.data(), buffer.size(), 0);
  if (read > 0) return on_bytes({buffer.data(), static_cast<std::size_t>(read)});
  if (read == 0) {
    poller_.forget(fd_);
    return on_end();
  }
  if (errno != EAGAIN && errno != EINTR) fail("the server closed a connection");
}

}  // namespace pena::load
