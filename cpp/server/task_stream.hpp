// One client's answer to GET /task: the socket, timers and ears around its turn::Outbox, which says what
// goes out, when, and how it ends. Belongs to the I/O thread.
//
// To HTTP/1.1 the stream goes in chunks, one for a batch, a heartbeat or a piece of something long. The
// last chunk says that the client got all it asked for. Without it the stream was cut, be it by a stop,
// a lease that was over or a crash, and whatever reads it comes back. To HTTP/1.0 it ends with the
// connection.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/msg.hpp"
#include "server/engine.hpp"
#include "server/peer.hpp"
#include "turn/outbox.hpp"

namespace pena::server {

class TaskStream {
 public:
  using Ending = turn::Outbox::Ending;

  TaskStream(Engine& engine, Socket& socket, const core::ClientJoined& joined, bool chunked);
  ~TaskStream();
  TaskStream(const TaskStream&) = delete;
  TaskStream& operator=(const TaskStream&) = delete;

  // Serves until the stream ends, from either side; tells the dispatcher of its beginning and end.
  [[nodiscard]] Awaitable<void> run();
  // A heartbeat is due.
  void beat(const turn::Stamp& stamp);
  void send(const core::SendBatch& grant);
  // Says bye with the reason and closes once that is written.
  void end(const std::string& reason, Ending ending = Ending::cut);

  // The head of the answer, with the empty line.
  [[nodiscard]] static std::string head(Engine& engine, const core::Xid& client, bool chunked,
                                        bool closes);

 private:
  // What the outbox offers goes without the coroutine, as far as it can.
  void send_at_once(std::string_view bytes);
  // Something may be owed that was not: the coroutine is to look, or its write has less time.
  void go_on();
  [[nodiscard]] Awaitable<void> write(turn::Outbox::Write write);
  void listen();
  [[nodiscard]] bool heard_end();
  void broke(const boost::system::error_code& error);
  void leave();
  [[nodiscard]] std::string client() const;
  void say_end(std::string_view reason);
  void say_closed(std::string_view why);

  Engine& engine_;
  Socket& socket_;
  core::Xid client_;
  std::string name_;  // what people call it
  turn::Outbox outbox_;
  Watchdog watchdog_;
  Peer peer_;
  Timer wake_;  // cancelled when something is owed, or the stream is over
  Heartbeats::Place heartbeat_;
  // Outlives the stream while a handler that listens is on its way.
  struct Ear {
    TaskStream* stream;
  };
  std::shared_ptr<Ear> ear_;
};

}  // namespace pena::server
