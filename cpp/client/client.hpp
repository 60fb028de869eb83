// The brief's client (R11 to R16): takes batches, simulates work and faults, reports.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/settings_error.hpp"
#include "client/stats.hpp"
#include "core/log.hpp"
#include "core/xid.hpp"

namespace pena::client {

// What becomes of a msg whose coroutine panicked (R14, R16): it has ended, so its id is in the
// report; or it is left out, and so sent again.
enum class Panicked { report, omit };

struct ClientSettings {
  std::string url = "http://127.0.0.1:8080";
  std::optional<std::uint32_t> batchsize;    // none: drawn from 2..10 (R11)
  std::optional<std::uint32_t> max_running;  // coroutines at one time (R13); none: batchsize
  std::optional<std::uint64_t> seed;         // of what it draws (batchsize, jitter); none: random
  Panicked panicked = Panicked::report;
  std::uint32_t panic_above = 800;  // ms: a period above this panics (R14)
  std::uint32_t end_above = 900;    // ms: a period above this ends the client (R15)
  std::chrono::milliseconds backoff_first{
      100};  // the longest wait before the first reconnect, or retry of a report; doubles
  std::chrono::milliseconds backoff_most{5000};
  std::optional<std::uint64_t> max_batches;  // end after so many reported batches; none: go on
  core::LogSink log;                         // none: silent
};

// Throws SettingsError for the first setting that cannot be. The constructor of Client calls it.
void check(const ClientSettings& settings);

enum class EndReason {
  stopped,          // stop() was called
  period_too_long,  // R15: a msg with a period above end_above
  batches_done,     // max_batches were reported
  refused,          // the server answered /task with an error that a retry does not mend (4xx)
};
[[nodiscard]] std::string_view word(EndReason reason);

struct ClientEnd {
  EndReason reason = EndReason::stopped;
  std::string text;              // one sentence for a person
  std::optional<core::Xid> msg;  // the msg that ended it (R15)
};

// One client with a thread of its own. All members may be called from any thread.
class Client {
 public:
  // Starts at once and connects in the background. Throws SettingsError, and std::runtime_error
  // where its thread cannot start.
  explicit Client(ClientSettings settings);
  ~Client();  // stop()
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] std::uint32_t batchsize() const;
  // Ends: stops the work, reports what was finished (as far as the server answers within a second),
  // closes the stream. Returns when the thread has ended.
  void stop();
  // Asks for that, and does not wait.
  void begin_stop();
  // Waits until the client has ended, at most `timeout` (none: for ever). The end, or nothing if it
  // still runs. Throws what ended it where that was no end but a failure, such as memory that is out.
  std::optional<ClientEnd> wait(std::optional<std::chrono::milliseconds> timeout = std::nullopt);
  [[nodiscard]] bool running() const;
  [[nodiscard]] ClientStats stats() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pena::client
