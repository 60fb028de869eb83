#include "load/latencies.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace pena::load {

std::size_t Latencies::bucket(std::uint64_t us) {
  if (us < kSteps) return static_cast<std::size_t>(us);
  // The highest bit names the power; the five below it, the step.
  const auto power = static_cast<std::size_t>(std::bit_width(us)) - 6;
  const auto step = static_cast<std::size_t>(us >> power) - kSteps;
  return std::min((power + 1) * kSteps + step, kSteps * kPowers - 1);
}

double Latencies::upper_ms(std::size_t bucket) {
  if (bucket < kSteps) return static_cast<double>(bucket + 1) / 1000;
  const std::size_t power = bucket / kSteps - 1;
  return std::ldexp(static_cast<double>(kSteps + bucket % kSteps + 1), static_cast<int>(power)) /
         1000;
}

void Latencies::add(Clock::duration took) {
  const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(
      0, std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
  ++counts_[bucket(us)];
  ++samples_;
  max_us_ = std::max(max_us_, us);
}

void Latencies::add(const Latencies& others) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += others.counts_[i];
  samples_ += others.samples_;
  max_us_ = std::max(max_us_, others.max_us_);
}

double Latencies::percentile(double share) const {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(static_cast<double>(samples_) * share));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= wanted && seen > 0) {
      return std::min(upper_ms(i), static_cast<double>(max_us_) / 1000);
    }
  }
  return 0;
}

Spread Latencies::spread() const {
  return {samples_, percentile(0.5), percentile(0.9), percentile(0.99),
          static_cast<double>(max_us_) / 1000};
}

}  // namespace pena::load
