// Where the server's instants lie on the client's clock. Pure.
//
// When must a client stop? The server may give a msg to another once the lease is over, counted
// from the grant by the server's clock. The client knows its own clock only, so it counts from an
// instant that is provably not after the grant: it sent a request at its time c, and the answer
// carried the server's time s, so s was stamped at or after c. A grant stamped g > s then happened,
// on the client's clock, at or after c + (g - s)(1 - 2 rho), rho being the bound on either clock's
// drift. The pair (c, s) is the anchor; every answer to a report renews it, so that the drift does
// not add up. From there the client works for Timing::client_stop() at most.
#pragma once

#include <cstdint>
#include <optional>

#include "core/instant.hpp"
#include "core/limits.hpp"

namespace pena::core {

class ServerClock {
 public:
  // Another stream, and so perhaps another server behind the same address: nothing is known of its
  // clock before its first stamp. `requested_at`: just before the stream was asked for.
  void begin(Instant requested_at, const Timing& timing);
  // A stamp of the stream.
  void stamped(std::int64_t server_ms);
  // A stamp of the answer to a report that was sent then. It may come from a server that is gone, with
  // another clock: the first anchor is the stream's own.
  void answered(Instant sent_at, std::int64_t server_ms);

  // Not after the instant of that stamp. Only once the stream has had one.
  [[nodiscard]] Instant earliest(std::int64_t stamped_ms) const;

  // When the anchor is so old that the server is to be asked for its time, if there is one.
  [[nodiscard]] std::optional<Instant> renew_at() const;
  void asked_for_time(Instant now) { renew_at_ = now + longest_age(); }

 private:
  struct Anchor {
    Instant client_at;
    std::int64_t server_ms = 0;
  };
  void anchor(Instant client_at, std::int64_t server_ms);
  [[nodiscard]] Duration longest_age() const;

  Timing timing_;
  std::optional<Instant> requested_at_;  // until the first stamp comes
  std::optional<Anchor> anchor_;
  Instant renew_at_;
};

}  // namespace pena::core
