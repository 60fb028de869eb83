// A load generator: many workers on the wire protocol in one thread, against any Pena server. Lean, so
// that the server is the limit: it scans what it is sent rather than reading it as JSON.
//
//   closed loop, generated   a worker reports a batch as soon as it has the whole of it
//   closed loop, submitted   and submits a batch once its report is answered
//   open loop                msgs are submitted by the clock, whether or not those before are answered
//   idle                     streams that are open, and nothing else
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>

#include "core/instant.hpp"

namespace pena::load {

// The server cannot be reached, refused something, or spoke otherwise than the protocol says.
class LoadError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum class Work { generated, submitted, idle };

// What the msgs carry that the closed loop submits: bodies as clients of several languages write them.
enum class Payload {
  none,
  compact,  // as JSON.stringify does
  spaced,   // as Python's json.dumps does: a space behind each comma and colon, ASCII alone
  mixed,    // one after the other: these two, fractions, nulls, nested lists, letters beyond ASCII
};

struct LoadSettings {
  std::string url = "http://127.0.0.1:8080";
  Work work = Work::generated;
  std::uint32_t workers = 16;
  std::uint32_t batchsize = 10;
  Payload payload = Payload::none;
  std::optional<double> rate;  // msgs a second, submitted: the open loop
  std::uint64_t backlog = 0;   // so many msgs are submitted before anything is measured
  core::Duration warmup = std::chrono::seconds{1};
  core::Duration duration = std::chrono::seconds{5};  // of what is measured
};

struct Spread {
  std::uint64_t samples = 0;
  double p50_ms = 0, p90_ms = 0, p99_ms = 0, max_ms = 0;
};

// Of the time that was measured.
struct LoadResult {
  double seconds = 0;
  std::uint64_t msgs = 0;      // reported, as the server's answers count them
  std::uint64_t batches = 0;   // whole ones that came
  std::uint64_t repeated = 0;  // msgs that were sent with an attempt above 1
  std::uint64_t heartbeats = 0;
  Spread answers;               // from a POST to its answer
  std::optional<Spread> waits;  // open loop: from when a msg was due to when it was delivered
  double load_share = 0;        // of one core, that the load generator itself used

  [[nodiscard]] double msgs_per_s() const { return static_cast<double>(msgs) / seconds; }
};

struct LoadProgress {
  enum class Phase { connecting, filling, warmup, measuring } phase = Phase::connecting;
  double seconds = 0;      // since the phase began
  std::uint64_t done = 0;  // connections, msgs submitted, or msgs reported in the phase
};

// Runs to the end, or until `go_on`, which is asked a few times a second, says no: then what was
// measured so far. Throws client::SettingsError and LoadError. At the end the workers report what they
// hold and go, within two seconds.
[[nodiscard]] LoadResult run(const LoadSettings& settings,
                             const std::function<bool(const LoadProgress&)>& go_on);

}  // namespace pena::load
