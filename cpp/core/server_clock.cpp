#include "core/server_clock.hpp"

#include <algorithm>
#include <utility>

namespace pena::core {

void ServerClock::begin(Instant requested_at, const Timing& timing) {
  timing_ = timing;
  requested_at_ = requested_at;
  anchor_.reset();
}

void ServerClock::stamped(std::int64_t server_ms) {
  if (requested_at_) anchor(*std::exchange(requested_at_, {}), server_ms);
}

void ServerClock::answered(Instant sent_at, std::int64_t server_ms) {
  if (anchor_) anchor(sent_at, server_ms);
}

// Keeps the anchor that puts later grants latest. The server's stamps are cut to whole ms: one more
// makes up for that.
void ServerClock::anchor(Instant client_at, std::int64_t server_ms) {
  const Anchor fresh{client_at, server_ms + 1};
  if (anchor_) {
    const double passed_us = static_cast<double>(fresh.server_ms - anchor_->server_ms) * 1000.0;
    const Duration shrunk{
        static_cast<Duration::rep>(passed_us * (1.0 - 2.0 * timing_.clock_drift))};
    if (fresh.server_ms < anchor_->server_ms || client_at < anchor_->client_at + shrunk) return;
  }
  anchor_ = fresh;
  renew_at_ = client_at + longest_age();
}

// A stamp from before the anchor's, such as that of a grant whose bytes came late, lies before the
// anchor.
Instant ServerClock::earliest(std::int64_t stamped_ms) const {
  const double since_us = static_cast<double>(stamped_ms - anchor_->server_ms) * 1000.0;
  const double drift = since_us < 0.0 ? 2.0 * timing_.clock_drift : -2.0 * timing_.clock_drift;
  return anchor_->client_at + Duration{static_cast<Duration::rep>(since_us * (1.0 + drift))};
}

std::optional<Instant> ServerClock::renew_at() const {
  if (!anchor_) return std::nullopt;
  return renew_at_;
}

// By then the drift has cost a hundredth of the lease, or a tenth of the silence.
Duration ServerClock::longest_age() const {
  constexpr double kLeastDrift = 1e-6;
  const double rho = std::max(timing_.clock_drift, kLeastDrift);
  const auto cost =
      static_cast<double>(std::min(timing_.lease / 100, timing_.silence / 10).count());
  return Duration{static_cast<Duration::rep>(cost / (2.0 * rho))};
}

}  // namespace pena::core
