// What a load asks of a peer. Each peer's file says how its own client library does it, the way its
// documentation recommends: pipelined where it pipelines, one round trip a step.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace pena::bench {

// The server refused something, or went away.
class PeerError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum class Role { producer, worker, both };

struct Peer {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::uint32_t batchsize = 10;  // the most that one worker holds
};

// For how long `take` waits before it comes back with nothing, so that a run can end.
inline constexpr std::chrono::milliseconds kPatience{200};

// The connection of one worker or producer; for one thread. Every call throws PeerError.
class Link {
 public:
  Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  virtual ~Link() = default;

  // Back when the server has accepted all, with whatever that means at its settings.
  virtual void put(std::span<const std::string> bodies) = 0;
  // Between one and `most` bodies, or none when nothing came for kPatience. They are valid until the
  // next call. A client that can only ask for messages one at a time asks for `most` at once if
  // `are_there` (that many are known to come), else for one.
  virtual std::span<const std::string> take(std::uint32_t most, bool are_there) = 0;
  // All that was taken since the last ack. Back when the server has answered, if it does.
  virtual void ack() = 0;
};

// Defined by the peer's file: an empty queue, and a connection to it.
void prepare(const Peer& peer);
std::unique_ptr<Link> connect(const Peer& peer, Role role);

}  // namespace pena::bench
