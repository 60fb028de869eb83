// The server engine: one dispatcher, one store, one listening socket.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/limits.hpp"
#include "core/log.hpp"
#include "server/stats.hpp"
#include "store/store.hpp"

namespace pena::server {

struct GeneratorSettings {
  bool enabled = true;
  std::optional<std::uint64_t> count;  // stop after so many, restarts included; none: endless
  std::optional<double> rate;          // msgs a second at most; none: as fast as clients take them
  std::optional<std::uint64_t> seed;   // the periods are a function of it; none: random
  // Also beside what is submitted. None: where any of the three above is given. Otherwise the first msg that
  // somebody submits to the queue `default` ends it for good.
  std::optional<bool> stays;

  [[nodiscard]] bool yields() const { return !stays.value_or(count || rate || seed); }
};

struct ServerSettings {
  std::string listen = "127.0.0.1:8080";  // address:port; port 0 takes a free one. IPv6: [::1]:8080
  std::string store = "./pena.lmdb";      // a folder, created where missing; empty: in memory
  core::Limits limits;
  GeneratorSettings generator;
  bool insecure = false;  // allow an address other than loopback, without token and TLS
  // Names that `Host` and `Origin` may have, beside those that are safe by their form
  // (docs/protocol.md, Who may call). Where others can reach the address and none is given, any.
  std::vector<std::string> allow_hosts;
  core::LogSink log;  // none: silent
  // Called by stop() where the disk does not answer: every request has been told so, and the server waits
  // for it from then on, for ever if need be. A process that has nothing else to do may end here.
  std::function<void()> disk_hangs = nullptr;
};

// A setting that cannot be: what() names it and what was expected.
class SettingsError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};
// Throws SettingsError for the first setting that cannot be. The constructor of Server calls it.
void check(const ServerSettings& settings);

// The address cannot be listened on.
class ListenError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// All members may be called from any thread.
class Server {
 public:
  // Opens the store, restores, listens and serves from threads of its own when this returns.
  // Throws SettingsError, store::StoreError (StoreInUse), ListenError.
  explicit Server(ServerSettings settings);
  // stop().
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] std::string url() const;  // http://127.0.0.1:8080
  [[nodiscard]] std::uint16_t port() const;

  // Ends well: takes no more requests, ends the streams, answers what was asked, finishes the
  // commits and closes the store. Returns when all that is done; a second call waits for the first.
  // A request that the disk keeps waiting for longer than limits.drain_time is answered 503, for what
  // becomes of it is unknown. Returns how many of these there were, also where the store failed.
  std::size_t stop();
  // Waits until the server has stopped, at most `timeout` (none: for ever). True when it has.
  // Throws what ended it if that was a failure (a commit that failed).
  bool wait(std::optional<std::chrono::milliseconds> timeout = std::nullopt);
  [[nodiscard]] bool running() const;

  [[nodiscard]] Stats stats() const;
  // Reads of the store, beside the running server and after its end. Valid as long as the server
  // object lives.
  [[nodiscard]] const store::View& buckets() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pena::server
