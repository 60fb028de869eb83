#include "core/generator.hpp"

#include <algorithm>
#include <cmath>

#include "core/dice.hpp"

namespace pena::core {
Generator::Generator(const Settings& settings, std::uint64_t made, Instant now)
    : settings_(settings), made_(made), made_before_(made), started_(now) {}

std::uint32_t Generator::period(std::uint64_t seed, std::uint64_t index) {
  const std::uint64_t random = mix(mix(seed) + (index + 1) * kGoldenRatio);
  // Multiply and shift instead of a remainder: 2^32 / 1000 leaves a bias of 2e-7, not of 1e-3.
  return 1 + static_cast<std::uint32_t>(((random >> 32U) * kLongestPeriod) >> 32U);
}

std::vector<Msg> Generator::make(std::size_t wanted, XidFactory& ids, Instant now, Instant date) {
  std::uint64_t room = wanted;
  if (settings_.count) room = std::min(room, *settings_.count - std::min(*settings_.count, made_));
  if (settings_.rate) {
    const double elapsed_s = std::chrono::duration<double>(now - started_).count();
    const auto allowed = static_cast<std::uint64_t>(std::max(0.0, elapsed_s * *settings_.rate));
    const std::uint64_t since = made_ - made_before_;
    room = std::min(room, allowed - std::min(allowed, since));
  }
  std::vector<Msg> msgs;
  msgs.reserve(room);
  for (std::uint64_t i = 0; i < room; ++i) {
    msgs.push_back({ids.next(date), period(settings_.seed, made_++), {}});
  }
  return msgs;
}

std::optional<Instant> Generator::next_at() const {
  if (!settings_.rate || ended()) return std::nullopt;
  const auto nth = static_cast<double>(made_ - made_before_ + 1);
  const double at_us = std::ceil(nth / *settings_.rate * 1e6);
  // A rate so low that the next msg is centuries away: never, rather than an overflow.
  if (at_us > 1e17) return std::nullopt;
  // One microsecond more makes up for the rounding of make().
  return started_ + Duration{static_cast<Duration::rep>(at_us) + 1};
}

bool Generator::ended() const {
  return settings_.count && made_ >= *settings_.count;
}

}  // namespace pena::core
