// Every limit and time of Pena with its default, and the checks between them. What each is for, and
// whatever else is said of each, is in limits_list.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/instant.hpp"

namespace pena::core {

// The times of docs/protocol.md, Timing. All are settings of the server; the client is told lease,
// heartbeat and silence in the headers of its stream.
struct Timing {
  Duration lease = std::chrono::seconds{30};            // T
  Duration heartbeat = std::chrono::seconds{1};         // H
  Duration silence = std::chrono::seconds{3};           // S
  Duration stop_time = std::chrono::milliseconds{250};  // d
  Duration drop_grace = std::chrono::seconds{4};        // G
  Duration slack = std::chrono::milliseconds{100};
  double clock_drift = 1e-3;  // rho

  // How long after an instant that is not after the grant a client may work on a batch: the longest
  // Tc with Tc(1+rho) + d + slack < T(1-rho). Negative where the lease is too short for any.
  [[nodiscard]] Duration client_stop() const;
  friend bool operator==(const Timing&, const Timing&) = default;
};

// Of any setting: keeps every sum of times far from overflow.
inline constexpr Duration kLongestTime = std::chrono::hours{24 * 365};

// Of what people choose; the store's records and keys have room for no more.
inline constexpr std::size_t kLongestQueueName = 64;   // of a-z, 0-9, '.', '_' and '-'
inline constexpr std::size_t kLongestKey = 200;        // bytes of UTF-8
inline constexpr std::size_t kLongestClientName = 64;  // bytes of UTF-8, without control characters
inline constexpr std::size_t kMostQueuesOfClient = 64;

// Of msgs a second, where a rate is given.
inline constexpr double kLeastRate = 1e-6;
inline constexpr double kMostRate = 1e9;

// Python's json gives up near a thousand levels, less the depth of its caller.
inline constexpr int kDeepestJson = 500;

// How long msgs are kept that have ended: for a time, or so many of them, the youngest. Neither: for ever.
struct Keep {
  std::optional<Duration> time = std::nullopt;
  std::optional<std::uint64_t> msgs = std::nullopt;
  friend bool operator==(const Keep&, const Keep&) = default;
};

struct Limits {
  int max_resends = 3;  // R4
  // What a client said to have failed comes back after retry_first, the next time after retry_factor
  // times as long, up to retry_most.
  Duration retry_first = std::chrono::seconds{1};
  std::uint32_t retry_factor = 4;
  Duration retry_most = std::chrono::minutes{10};
  Keep keep_reports, keep_fails;
  Timing timing;
  Duration linger = std::chrono::milliseconds{20};

  std::uint32_t batchsize = 10'000;
  std::uint32_t period_ms = 86'400'000;  // a day
  std::size_t payload_bytes = 256 * 1024;
  std::size_t error_bytes = 1024;  // what is longer is cut
  std::size_t result_bytes = 64 * 1024;
  std::size_t report_ids = 100'000;
  std::size_t submit_msgs = 100'000;
  std::size_t page_ids = 100'000;
  std::size_t page_bytes = 8 * 1024 * 1024;  // a page ends with the record that reaches this
  int json_depth = 16;

  std::size_t header_bytes = 8 * 1024;
  std::size_t target_bytes = 2 * 1024;
  std::size_t body_bytes = 8 * 1024 * 1024;
  std::size_t framing_bytes = 1024 * 1024;
  std::size_t bodies_bytes = 64 * 1024 * 1024;
  std::size_t connections = 10'000;
  Duration header_time = std::chrono::seconds{10};
  Duration body_time = std::chrono::seconds{30};
  Duration idle_time = std::chrono::seconds{75};
  Duration stalled_write_time = std::chrono::seconds{15};
  Duration drain_time = std::chrono::seconds{5};

  std::size_t window_msgs = 32'768;
  std::size_t window_bytes = std::size_t{64} << 20U;
  std::size_t missed_msgs = 8'192;   // of lost batches, before others' answers and grants
  std::size_t made_msgs = 32'768;    // by the generator in a round, or a batch more
  std::size_t read_writes = 10'000;  // of msgs that were read for it in a round, or a batch more
  std::size_t rounds_at_once = 8;    // on their way to the disk
  std::size_t fewest_pieces = 16;
  std::size_t queue_msgs = 10'000'000;
  std::size_t queues = 100'000;
  std::size_t map_bytes = std::size_t{16} << 30U;
  double store_fill = 0.8;
  std::size_t disk_bytes = std::size_t{64} << 20U;
  std::size_t log_bytes = std::size_t{8} << 20U;  // 0: no log
  std::size_t logged_bytes = std::size_t{256} << 10U;
  Duration apply_time = std::chrono::milliseconds{20};

  // What is wrong, naming both sides, or nothing.
  [[nodiscard]] std::optional<std::string> problem() const;
  friend bool operator==(const Limits&, const Limits&) = default;
};

}  // namespace pena::core
