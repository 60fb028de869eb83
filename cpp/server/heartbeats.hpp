// Says to each stream when its heartbeat is due. All have the same interval, so they stand in line in
// the order of their times, and one timer serves them all. Those whose times are close beat together:
// one wake-up, one stamp. For one I/O thread.
#pragma once

#include <chrono>
#include <list>
#include <optional>

#include "core/instant.hpp"
#include "server/clock.hpp"
#include "server/io.hpp"
#include "turn/outbox.hpp"

namespace pena::server {

class TaskStream;

class Heartbeats {
 public:
  // `clock` outlives it.
  Heartbeats(boost::asio::io_context& io, const Clock& clock, core::Duration interval)
      : clock_(clock), timer_(io), interval_(interval) {}
  // Before the io_context goes: from here on no heart beats.
  void end() { timer_.reset(); }

  // A stream's place in the line, as long as it lives.
  class Place;

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Beat {
    Time at;
    TaskStream* stream;
  };

  void wait();
  void beat();

  const Clock& clock_;
  std::list<Beat> line_;  // the next first
  turn::Stamp stamp_;     // its memory stays: heartbeats go on where there is none to be had
  std::optional<Timer> timer_;
  core::Duration interval_;
  bool waits_ = false;
};

class Heartbeats::Place {
 public:
  Place(Heartbeats& all, TaskStream& stream);
  ~Place() { all_.line_.erase(at_); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  Heartbeats& all_;
  std::list<Beat>::iterator at_;
};

}  // namespace pena::server
