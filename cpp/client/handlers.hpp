// Work as a function of a msg: what most workers are.
//
//   pena::client::Worker worker({.url = "http://127.0.0.1:8080", .queues = {"mail"}, .slots = 4});
//   work_with(worker, [](const pena::client::Msg& msg) { … return pena::client::Done{}; }, 4);
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "client/worker.hpp"
#include "core/xid.hpp"

namespace pena::client {

struct Msg {
  core::Xid id;
  std::string payload;  // compact JSON; empty: none. client/payload.hpp reads it as text
  std::string queue;
  std::string key;  // empty: none
  int attempt = 1;
  bool last_attempt = false;  // missed once more it has failed
  std::uint64_t run = 0;      // of the worker's, as WorkerSettings::settled names it
};
// What a worker's work says of its msg.
[[nodiscard]] Msg msg_of(const Work& work);

// What became of the work on it.
struct Done {
  std::string result = {};  // JSON; empty: none
};
struct Failed {
  std::string error;
  std::optional<std::chrono::milliseconds> retry_in = std::nullopt;  // none: the server's backoff
  bool final = false;                                                // no further attempt
};
struct GivenBack {};
using Outcome = std::variant<Done, Failed, GivenBack>;

// Calls `handler` for each msg that comes, in so many threads at once, and tells the worker what it returns; what it
// throws is a failure with that text. Returns when the worker has ended, and throws what Worker::wait() throws.
WorkerEnd work_with(Worker& worker, const std::function<Outcome(const Msg&)>& handler,
                    unsigned threads = 1);

}  // namespace pena::client
