// A producer: submits msgs to a queue, each once, however often an answer is lost or the server is away.
//
//   pena::client::Producer producer({.url = "http://127.0.0.1:8080", .queue = "mail"});
//   producer.submit({.payload = R"({"to":"ann"})", .key = "order 7"});
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "client/settings_error.hpp"
#include "core/log.hpp"
#include "core/submit_plan.hpp"
#include "core/xid.hpp"

namespace pena::client {

using core::AcceptedMsg;
using core::RequestSize;

struct ProducerSettings {
  std::string url = "http://127.0.0.1:8080";
  std::string queue = {};  // empty: `default`
  // How long a request is tried again that the server does not answer, or has no room for; none: for ever.
  std::optional<std::chrono::milliseconds> patience = std::chrono::seconds{60};
  std::optional<std::uint64_t> seed = std::nullopt;  // of the waits; none: random
  // The longest wait before the first retry; doubles, up to the second.
  std::chrono::milliseconds backoff_first{100};
  std::chrono::milliseconds backoff_most{5000};
  RequestSize request = {};  // of one request at most; less for a server that takes less
  core::LogSink log = {};    // none: silent
};

// Throws SettingsError for the first setting that cannot be. The constructor of Producer calls it.
void check(const ProducerSettings& settings);

struct NewMsg {
  std::string payload = {};  // JSON; empty: none
  std::string key = {};  // up to 200 bytes; empty: none. There is one msg of that key in a queue
  std::optional<core::Xid> id = std::nullopt;  // of your own; none: one is made
  std::uint32_t period = 0;                    // ms
  std::optional<std::chrono::milliseconds> delay = std::nullopt;
  std::optional<std::uint16_t> max_resends = std::nullopt;  // none: as the server has it
};

// Not all was submitted. what() says why, and of which msg.
class SubmitError : public std::runtime_error {
 public:
  enum class Why {
    bad_msg,      // one that cannot be: none is submitted
    refused,      // the server refuses the one at `place`: what comes before it is submitted
    unavailable,  // the patience is over
    stopped,      // the caller did not want to go on
  };
  SubmitError(Why reason, const std::string& what) : std::runtime_error(what), why(reason) {}

  Why why;
  unsigned status = 0;                 // of a refusal
  std::size_t place = 0;               // of the msg, from 0
  std::vector<AcceptedMsg> submitted;  // those before it
  std::size_t unsure = 0;              // so many from it on may be submitted
};

// All members may be called from any thread; submissions go one after the other.
class Producer {
 public:
  // Connects with the first submission. Throws SettingsError.
  explicit Producer(ProducerSettings settings);
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  // Returns once all are on the server's disk, in their order. `goes_on` is asked now and then, and ends the wait
  // where it says no. Throws SubmitError.
  std::vector<AcceptedMsg> submit(std::vector<NewMsg> msgs,
                                  const std::function<bool()>& goes_on = {});
  AcceptedMsg submit(NewMsg msg);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Roughly the bytes of a msg in a request, for whoever cuts what he submits into pieces.
[[nodiscard]] std::size_t size_of(const NewMsg& msg);

}  // namespace pena::client
