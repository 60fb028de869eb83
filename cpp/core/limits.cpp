#include "core/limits.hpp"

#include <cmath>
#include <type_traits>
#include <utility>

#include "core/limits_list.hpp"
#include "core/number_text.hpp"

namespace pena::core {
namespace {

constexpr Duration kLongestApply = std::chrono::seconds{5};

std::string written(Duration duration) {
  return number_text(static_cast<double>(duration.count()) / 1000.0) + " ms";
}

double us(Duration duration) {
  return static_cast<double>(duration.count());
}

std::optional<std::string> no_time(const Limit& limit, Duration time) {
  const std::string name{limit.name};
  if (limit.least == 0 && time < Duration::zero()) {
    return name + " must not be negative, but is " + written(time);
  }
  if (limit.least > 0 && time <= Duration::zero()) {
    return name + " must be longer than 0, not " + written(time);
  }
  if (time > kLongestTime) return name + " must be at most a year, not " + written(time);
  return std::nullopt;
}

std::optional<std::string> no_number(const Limit& limit, auto number) {
  const bool low = std::cmp_less(number, limit.least);
  if (!low && !std::cmp_greater(number, limit.most)) return std::nullopt;
  constexpr std::uint64_t kNear = 64 * 1024;
  const std::string expected = limit.most <= kNear ? "from " + std::to_string(limit.least) +
                                                         " to " + std::to_string(limit.most)
                               : low ? "at least " + std::to_string(limit.least)
                                     : "at most " + std::to_string(limit.most);
  return std::string{limit.name} + " must be " + expected + ", not " + std::to_string(number);
}

std::optional<std::string> no_fraction(const Limit& limit, double value) {
  if (limit.unit == Limit::Unit::drift) {
    if (value >= 0.0 && value < 0.1) return std::nullopt;
    return std::string{limit.name} + " must be at least 0 and below 0.1";
  }
  if (value > 0.0 && value <= 1.0) return std::nullopt;
  return std::string{limit.name} + " must be above 0 and at most 1";
}

std::optional<std::string> no_keep(const Limit& limit, const Keep& value) {
  if (value.time && value.msgs) {
    return std::string{limit.name} + " must be a time or a number of msgs, not both";
  }
  if (!value.time) return std::nullopt;
  return no_time(limit, *value.time);
}

// By itself.
std::optional<std::string> problem_of(const Limits& limits, const Limit& limit) {
  std::optional<std::string> problem;
  with_field(limits, limit, [&]<class Value>(const Value& value) {
    if constexpr (std::is_same_v<Value, Duration>) {
      problem = no_time(limit, value);
    } else if constexpr (std::is_same_v<Value, double>) {
      problem = no_fraction(limit, value);
    } else if constexpr (std::is_same_v<Value, Keep>) {
      problem = no_keep(limit, value);
    } else {
      problem = no_number(limit, value);
    }
  });
  return problem;
}

// Together, each of them being one that can be.
std::optional<std::string> timing_problem(const Timing& timing) {
  if (timing.silence < 2 * timing.heartbeat) {
    return "silence (" + written(timing.silence) + ") must be at least twice the heartbeat (" +
           written(timing.heartbeat) + "), or a single one that is late ends a stream";
  }
  // G > S(1+rho) + d + slack: when the grace is over, whoever lost the stream has noticed, perhaps a
  // little late, and stopped.
  const double noticed = std::ceil(us(timing.silence) * (1.0 + timing.clock_drift)) +
                         us(timing.stop_time) + us(timing.slack);
  if (us(timing.drop_grace) <= noticed) {
    return "drop_grace (" + written(timing.drop_grace) +
           ") must be longer than silence plus stop_time plus slack (" +
           written(Duration{static_cast<Duration::rep>(noticed)}) +
           " with the clocks' drift), or a msg is sent again while its client still works on it";
  }
  if (timing.client_stop() <= Duration::zero()) {
    return "lease (" + written(timing.lease) + ") must be longer than stop_time plus slack (" +
           written(timing.stop_time + timing.slack) +
           "), or a client has no time to work on its batch";
  }
  return std::nullopt;
}

}  // namespace

Duration Timing::client_stop() const {
  const double room = us(lease) * (1.0 - clock_drift) - us(stop_time) - us(slack);
  // Strictly less than, so the last microsecond is taken off.
  return Duration{static_cast<Duration::rep>(std::floor(room / (1.0 + clock_drift))) - 1};
}

std::optional<std::string> Limits::problem() const {
  for (const Limit& limit : all_limits()) {
    if (auto problem = problem_of(*this, limit)) return problem;
  }
  if (auto problem = timing_problem(timing)) return problem;
  if (bodies_bytes < body_bytes) {
    return "bodies_bytes (" + std::to_string(bodies_bytes) + ") must be at least body_bytes (" +
           std::to_string(body_bytes) + "), or the largest body is never taken";
  }
  if (retry_first > retry_most) {
    return "retry_first (" + written(retry_first) + ") must be at most retry_most (" +
           written(retry_most) + "), which no wait for another attempt is longer than";
  }
  if (apply_time > kLongestApply) {
    return "apply_time (" + written(apply_time) + ") must be at most " + written(kLongestApply) +
           ", for whoever reads the store beside its server waits for that";
  }
  // The window is filled up again when half of it is left, and that half must do for a batch.
  if (window_msgs / 2 < batchsize) {
    return "window_msgs (" + std::to_string(window_msgs) + ") must be at least twice batchsize (" +
           std::to_string(batchsize) + "), or the largest batch may never fill";
  }
  return std::nullopt;
}

}  // namespace pena::core
