#include "server/peer.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <limits>

namespace pena::server {

void wait_for_acknowledgements(int socket, core::Duration longest) {
  // The kernel takes no more than an int has, and 0 for a time of its own.
  constexpr std::int64_t kMost = std::numeric_limits<int>::max();
  const auto ms = static_cast<unsigned>(std::clamp<std::int64_t>(core::to_ms(longest), 1, kMost));
  ::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
}

bool Peer::look(int socket, core::Instant now, core::Duration patience) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
  return note(info.tcpi_retransmits, info.tcpi_probes, now, std::max(patience, kLeastPatience));
}

bool Peer::note(unsigned sent_again, unsigned asked, core::Instant now, core::Duration patience) {
  if (sent_again == 0 && asked == 0) {
    silent_since_.reset();
  } else if (!silent_since_) {
    silent_since_ = now;
  }
  gone_ = gone_ || (silent_since_ && now - *silent_since_ >= patience);
  return gone_;
}

}  // namespace pena::server
