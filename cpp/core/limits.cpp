#include "core/limits.hpp"

#include <array>
#include <cmath>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "core/cut_text.hpp"
#include "core/number_text.hpp"

namespace pena::core {
namespace {

std::string written(Duration duration) {
  return number_text(static_cast<double>(duration.count()) / 1000.0) + " ms";
}

double us(Duration duration) {
  return static_cast<double>(duration.count());
}

// Keeps every sum of times far from overflow.
constexpr std::chrono::hours kYear{24 * 365};

std::optional<std::string> no_time(std::string_view name, Duration time) {
  if (time <= Duration::zero()) {
    return std::string{name} + " must be longer than 0, not " + written(time);
  }
  if (time > kYear) return std::string{name} + " must be at most a year, not " + written(time);
  return std::nullopt;
}

std::optional<std::string> not_positive(const Timing& timing) {
  const std::array<std::pair<std::string_view, Duration>, 6> times{{
      {"lease", timing.lease},
      {"heartbeat", timing.heartbeat},
      {"silence", timing.silence},
      {"stop_time", timing.stop_time},
      {"drop_grace", timing.drop_grace},
      {"slack", timing.slack},
  }};
  for (const auto& [name, time] : times) {
    if (auto problem = no_time(name, time)) return problem;
  }
  return std::nullopt;
}

std::optional<std::string> timing_problem(const Timing& timing) {
  if (auto problem = not_positive(timing)) return problem;
  if (!(timing.clock_drift >= 0.0 && timing.clock_drift < 0.1)) {
    return "clock_drift must be at least 0 and below 0.1";
  }
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

template <class Number>
std::optional<std::string> below_one(std::string_view name, Number value) {
  if (value >= 1) return std::nullopt;
  return std::string{name} + " must be at least 1, not " + std::to_string(value);
}

}  // namespace

Duration Timing::client_stop() const {
  const double room = us(lease) * (1.0 - clock_drift) - us(stop_time) - us(slack);
  // Strictly less than, so the last microsecond is taken off.
  return Duration{static_cast<Duration::rep>(std::floor(room / (1.0 + clock_drift))) - 1};
}

std::optional<std::string> Limits::problem() const {
  if (max_resends < 0 || max_resends > 1000) {
    return "max_resends must be from 0 to 1000, not " + std::to_string(max_resends);
  }
  // An error is kept with every miss of a msg: both bounds together bound what a msg can grow to.
  if (error_bytes < kCutMark.size() || error_bytes > 64 * 1024) {
    return "error_bytes must be from " + std::to_string(kCutMark.size()) + " to 65536, not " +
           std::to_string(error_bytes);
  }
  if (auto problem = timing_problem(timing)) return problem;
  if (linger < Duration::zero()) return "linger must not be negative, but is " + written(linger);
  if (linger > kYear) return "linger must be at most a year, not " + written(linger);
  for (const auto& [name, time] : {std::pair{"header_time", header_time},
                                   {"body_time", body_time},
                                   {"idle_time", idle_time},
                                   {"stalled_write_time", stalled_write_time},
                                   {"drain_time", drain_time}}) {
    if (auto problem = no_time(name, time)) return problem;
  }
  const std::initializer_list<std::pair<std::string_view, std::size_t>> sizes{
      {"batchsize", batchsize},         {"period_ms", period_ms},
      {"payload_bytes", payload_bytes}, {"report_ids", report_ids},
      {"submit_msgs", submit_msgs},     {"page_ids", page_ids},
      {"page_bytes", page_bytes},       {"header_bytes", header_bytes},
      {"target_bytes", target_bytes},   {"body_bytes", body_bytes},
      {"framing_bytes", framing_bytes}, {"bodies_bytes", bodies_bytes},
      {"connections", connections},     {"window_msgs", window_msgs},
      {"window_bytes", window_bytes},   {"fewest_pieces", fewest_pieces},
      {"queue_msgs", queue_msgs},       {"map_bytes", map_bytes},
      {"missed_msgs", missed_msgs},
  };
  for (const auto& [name, size] : sizes) {
    if (auto problem = below_one(name, size)) return problem;
  }
  if (json_depth < 1 || json_depth > kDeepestJson) {
    return "json_depth must be from 1 to " + std::to_string(kDeepestJson) + ", not " +
           std::to_string(json_depth);
  }
  // Far from where a sum would run over, and beyond what a machine has.
  constexpr std::size_t kMostBytes = std::size_t{1} << 46U;
  for (const auto& [name, bytes] :
       {std::pair<std::string_view, std::size_t>{"payload_bytes", payload_bytes},
        {"header_bytes", header_bytes},
        {"target_bytes", target_bytes},
        {"body_bytes", body_bytes},
        {"framing_bytes", framing_bytes},
        {"bodies_bytes", bodies_bytes},
        {"page_bytes", page_bytes},
        {"window_bytes", window_bytes},
        {"map_bytes", map_bytes}}) {
    if (bytes <= kMostBytes) continue;
    return std::string{name} + " must be at most " + std::to_string(kMostBytes) + ", not " +
           std::to_string(bytes);
  }
  if (!(store_fill > 0.0 && store_fill <= 1.0)) return "store_fill must be above 0 and at most 1";
  if (bodies_bytes < body_bytes) {
    return "bodies_bytes (" + std::to_string(bodies_bytes) + ") must be at least body_bytes (" +
           std::to_string(body_bytes) + "), or the largest body is never taken";
  }
  // The window is filled up again when half of it is left, and that half must do for a batch.
  if (window_msgs / 2 < batchsize) {
    return "window_msgs (" + std::to_string(window_msgs) + ") must be at least twice batchsize (" +
           std::to_string(batchsize) + "), or the largest batch may never fill";
  }
  return std::nullopt;
}

}  // namespace pena::core
