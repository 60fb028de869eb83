// socket() and accept() as Asio calls them (cpp/asio_impl/asio_impl.cpp). It opens its sockets without
// close-on-exec and offers no way to ask for it, and setting it afterwards is too late where another thread
// starts a process in between.
#include <fcntl.h>
#include <sys/socket.h>

#include <optional>

#include "process/fork.hpp"

extern "C" {

// NOLINTBEGIN(readability-identifier-naming)
int pena_socket(int domain, int type, int protocol);
int pena_accept(int listening, sockaddr* peer, socklen_t* size);

int pena_socket(int domain, int type, int protocol) {
  const pena::process::ForkWaits waits;
  const int made = ::socket(domain, type | SOCK_CLOEXEC, protocol);
  pena::process::close_in_forked_children(made, waits);
  return made;
}

int pena_accept(int listening, sockaddr* peer, socklen_t* size) {
  // Where it may have to wait for somebody to come, no fork waits with it.
  std::optional<pena::process::ForkWaits> waits;
  if ((::fcntl(listening, F_GETFL) & O_NONBLOCK) != 0) waits.emplace();
  const int made = ::accept4(listening, peer, size, SOCK_CLOEXEC);
  if (made < 0) return made;
  if (!waits) waits.emplace();
  pena::process::close_in_forked_children(made, *waits);
  return made;
}
// NOLINTEND(readability-identifier-naming)

}  // extern "C"
