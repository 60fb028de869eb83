#include "turn/generator.hpp"

#include <algorithm>
#include <cmath>

#include "core/dice.hpp"

namespace pena::turn {

Generator::Generator(const Settings& settings, std::uint64_t made, core::Instant now)
    : settings_(settings), made_(made), made_before_(made), started_(now) {}

std::uint32_t Generator::period(std::uint64_t seed, std::uint64_t index) {
  const std::uint64_t random = core::mix(core::mix(seed) + (index + 1) * core::kGoldenRatio);
  // Multiply and shift instead of a remainder: 2^32 / 1000 leaves a bias of 2e-7, not of 1e-3.
  return 1 + static_cast<std::uint32_t>(((random >> 32U) * kLongestPeriod) >> 32U);
}

std::vector<core::Msg> Generator::make(std::size_t wanted, core::XidFactory& ids, core::Instant now,
                                       core::Instant date) {
  std::uint64_t room = wanted;
  if (settings_.count) room = std::min(room, *settings_.count - std::min(*settings_.count, made_));
  if (settings_.rate) {
    forget_long_ago(now);
    const double elapsed_s = std::chrono::duration<double>(now - started_).count();
    const auto allowed = static_cast<std::uint64_t>(std::max(0.0, elapsed_s * *settings_.rate));
    const std::uint64_t since = made_ - made_before_;
    room = std::min(room, allowed - std::min(allowed, since));
  }
  std::vector<core::Msg> msgs;
  msgs.reserve(room);
  for (const core::Xid& id : ids.next(date, room)) {
    msgs.push_back({id, period(settings_.seed, made_++), {}});
  }
  return msgs;
}

// In so long the rate makes so many. Nothing: centuries, which no clock counts.
std::optional<core::Duration> Generator::time_for(std::uint64_t msgs) const {
  const double us = std::ceil(static_cast<double>(msgs) / *settings_.rate * 1e6);
  if (us > 1e17) return std::nullopt;
  // One microsecond more makes up for the rounding of make().
  return core::Duration{static_cast<core::Duration::rep>(us) + 1};
}

// But for the one msg that has been due all the while, where the rate is so low.
void Generator::forget_long_ago(core::Instant now) {
  const auto due = next_at();
  if (!due || *due >= now - kMadeUpFor) return;
  started_ = now - std::max(kMadeUpFor, *time_for(1));
  made_before_ = made_;
}

std::optional<core::Instant> Generator::next_at() const {
  if (!settings_.rate || ended()) return std::nullopt;
  const auto time = time_for(made_ - made_before_ + 1);
  if (!time) return std::nullopt;
  return started_ + *time;
}

bool Generator::ended() const {
  return settings_.count && made_ >= *settings_.count;
}

}  // namespace pena::turn
