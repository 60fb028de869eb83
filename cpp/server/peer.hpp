// Whether a connection's other end is still there, as its kernel knows it.
#pragma once

#include <optional>

#include "core/instant.hpp"

namespace pena::server {

// How long the kernel waits for what was sent to be acknowledged, and for a peer that acknowledges but
// has no room, before it gives the connection up.
void wait_for_acknowledgements(int socket, core::Duration longest);

// Tells a peer that vanished (its machine without power, its network cut) from one that is there and
// does not read: what is sent to it again, or asks whether it has room, is not acknowledged.
class Peer {
 public:
  // A kernel leaves a question unanswered that comes within half a second of another
  // (tcp_invalid_ratelimit), and the next is asked up to two seconds later.
  static constexpr core::Duration kLeastPatience = std::chrono::seconds{5};

  // To be asked now and then. True once nothing has been acknowledged for `patience`, or for
  // kLeastPatience where that is longer.
  [[nodiscard]] bool look(int socket, core::Instant now, core::Duration patience);
  // The same with the kernel's numbers: how often it has sent something again, or asked for room,
  // since anything was acknowledged.
  [[nodiscard]] bool note(unsigned sent_again, unsigned asked, core::Instant now,
                          core::Duration patience);
  [[nodiscard]] bool is_gone() const { return gone_; }

 private:
  std::optional<core::Instant> silent_since_;
  bool gone_ = false;
};

}  // namespace pena::server
