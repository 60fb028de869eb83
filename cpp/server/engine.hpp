// What all connections of one server share. Everything here belongs to the I/O thread.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "server/clock.hpp"
#include "server/heartbeats.hpp"
#include "server/io.hpp"
#include "server/server.hpp"
#include "server/turn_loop.hpp"
#include "server/watchdog.hpp"
#include "turn/body_room.hpp"
#include "turn/desk.hpp"
#include "turn/refusal_log.hpp"
#include "wire/header_guard.hpp"

namespace pena::server {

class TaskStream;

class Engine {
 public:
  Engine(const ServerSettings& settings, const Clock& clock, core::XidFactory ids,
         const store::View& buckets);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

 private:
  // Ends with the engine, and with it the coroutines that still use what is declared below.
  std::unique_ptr<boost::asio::io_context> owned_io_ = std::make_unique<boost::asio::io_context>(1);

 public:
  boost::asio::io_context& io = *owned_io_;

  boost::asio::thread_pool readers{1};  // reads of the store, which may wait for the disk
  const ServerSettings& settings;
  const Clock& clock;
  const store::View& buckets;
  turn::Desk desk;
  Watchdogs watchdogs{io};
  Heartbeats heartbeats{io, clock, settings.limits.timing.heartbeat};
  turn::RefusalLog refusals;
  TurnLoop* turns = nullptr;  // set before the I/O thread starts
  wire::GuardRules guard;

  std::string frames;                        // where one small batch after the other is written out
  turn::BodyRoom bodies;                     // of all requests in flight
  std::array<char, 64UL * 1024> incoming{};  // where pieces of bodies are read, one at a time
  std::atomic<std::size_t> connections{0};   // read by any thread
  std::unordered_map<core::Xid, TaskStream*> streams;
  std::unordered_set<Socket*> sockets;  // of all connections
  std::unordered_set<Socket*> idle;     // have asked nothing yet: may be closed

  // What is to be done about a request that is there whole.
  [[nodiscard]] turn::Asked ask(const turn::Request& request);
  // Sends the event and says so in the log.
  void tell(core::Event event) const;
  // Hands the turn what a request asks of it, and waits for what becomes of that.
  [[nodiscard]] Awaitable<turn::Reply> reply_to(turn::Waits& asked);

  // Hands what a round let go to streams and waiters.
  void deliver(std::vector<turn::Outgoing>& outgoing);
  // Of every connection what is being waited for ends, so that each says its last word: to a request
  // that waits for its round, that the outcome is unknown. Returns how many of these there were.
  std::size_t give_up();
  // Ends every connection as it is, where there is no memory for words.
  void hang_up();
  // Takes nothing new, ends the streams, and closes the connections that wait for a request.
  void drain();

  void log(core::LogLevel level, std::string_view text) const noexcept;

  // The header line `Date: …` of this second, with its line end.
  [[nodiscard]] const std::string& date_line();

 private:
  void deliver_one(core::SendBatch& send);
  void deliver_one(core::CloseStream& close);
  // Of what the desk resolves.
  template <class What>
  void deliver_one(What& what);
  void hand_on(turn::Reply reply);

  // A request that waits for what becomes of it; lives in its coroutine.
  class Waiter;

  std::string date_line_;
  std::int64_t date_of_ = -1;  // the second that it tells
  std::unordered_map<core::RequestId, Waiter*> waiters_;
};

}  // namespace pena::server
