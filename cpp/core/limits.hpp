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
  Duration lease = std::chrono::seconds{30};     // T: a batch is settled within this
  Duration heartbeat = std::chrono::seconds{1};  // H: a stream carries bytes at least this often
  Duration silence = std::chrono::seconds{3};    // S: after this a client takes its stream as lost
  Duration stop_time = std::chrono::milliseconds{250};  // d: in this it stops its work once it must
  Duration drop_grace = std::chrono::seconds{4};    // G: wait before what was lost is sent again
  Duration slack = std::chrono::milliseconds{100};  // what timers and threads may be late
  double clock_drift = 1e-3;                        // rho: bound on two clocks' difference in rate

  // How long after an instant that is not after the grant a client may work on a batch: the longest
  // Tc with Tc(1+rho) + d + slack < T(1-rho). Negative where the lease is too short for any.
  [[nodiscard]] Duration client_stop() const;
  friend bool operator==(const Timing&, const Timing&) = default;
};

// Of any setting: keeps every sum of times far from overflow.
inline constexpr Duration kLongestTime = std::chrono::hours{24 * 365};

// Of msgs a second, where a rate is given.
inline constexpr double kLeastRate = 1e-6;
inline constexpr double kMostRate = 1e9;

// Python's json gives up near a thousand levels, less the depth of its caller.
inline constexpr int kDeepestJson = 500;

struct Limits {
  int max_resends = 3;  // R4: deliveries after the first
  Timing timing;
  Duration linger =
      std::chrono::milliseconds{20};  // a msg waits at most this for its batch to fill

  std::uint32_t batchsize = 10'000;
  std::uint32_t period_ms = 86'400'000;  // the longest period of a submitted msg: a day
  std::size_t payload_bytes = 256 * 1024;
  std::size_t error_bytes = 1024;  // of the error of a failed msg; what is longer is cut
  std::size_t report_ids = 100'000;
  std::size_t submit_msgs = 100'000;
  std::size_t page_ids = 100'000;  // the most ids of one page of GET /report and GET /fail
  std::size_t page_bytes = 8 * 1024 * 1024;  // such a page ends with the record that reaches this
  int json_depth = 16;

  std::size_t header_bytes = 8 * 1024;
  std::size_t target_bytes = 2 * 1024;
  std::size_t body_bytes = 8 * 1024 * 1024;
  std::size_t framing_bytes = 1024 * 1024;      // chunk sizes, extensions and trailers of one body
  std::size_t bodies_bytes = 64 * 1024 * 1024;  // of all requests at one time; beyond it 503
  std::size_t connections = 10'000;
  Duration header_time = std::chrono::seconds{10};
  Duration body_time = std::chrono::seconds{30};
  Duration idle_time = std::chrono::seconds{75};           // keep-alive without a request
  Duration stalled_write_time = std::chrono::seconds{15};  // a write that does not move
  Duration drain_time = std::chrono::seconds{5};  // a stop waits so long for the disk to answer

  std::size_t window_msgs = 32'768;  // queued msgs kept in memory; the rest waits in the store
  std::size_t window_bytes = std::size_t{64} << 20U;  // of those in memory; a batch is no larger
  std::size_t missed_msgs = 8'192;  // of lost batches, taken back before others' answers and grants
  std::size_t fewest_pieces = 16;   // into which a lost batch is parted, at least
  std::size_t queue_msgs = 10'000'000;             // beyond this submitting is refused (503)
  std::size_t map_bytes = std::size_t{16} << 30U;  // the store's largest size
  double store_fill = 0.8;  // submitting is refused where the store is fuller than this share
  std::size_t disk_bytes = std::size_t{64} << 20U;  // likewise, where its disk has less left

  // What is wrong, naming both sides, or nothing.
  [[nodiscard]] std::optional<std::string> problem() const;
  friend bool operator==(const Limits&, const Limits&) = default;
};

}  // namespace pena::core
