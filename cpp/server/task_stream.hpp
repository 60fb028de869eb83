// One client's answer to GET /task: a bounded buffer, one write in flight, a heartbeat, and an ear
// for the end of the stream. Belongs to the I/O thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/msg.hpp"
#include "server/engine.hpp"
#include "wire/query.hpp"

namespace pena::server {

class TaskStream {
 public:
  TaskStream(Engine& engine, Socket& socket, const wire::TaskQuery& query);
  ~TaskStream();
  TaskStream(const TaskStream&) = delete;
  TaskStream& operator=(const TaskStream&) = delete;

  // Serves until the stream ends, from either side; tells the dispatcher of its beginning and end.
  [[nodiscard]] Awaitable<void> run();
  // A heartbeat is due: `stamp` says when, as wire::append_heartbeat writes it.
  void beat(std::string_view stamp);

  // A client that reports without reading what it was sent is closed, so the buffer holds a batch
  // that is being written and one that waits, at most.
  void send(const core::SendBatch& grant);
  // Says bye with the reason and closes once that is written.
  void end(const std::string& reason);

  // The head of the answer, up to the empty line.
  [[nodiscard]] static std::string head(Engine& engine, const core::Xid& session);

 private:
  // Nothing is being written, nor waits to be: what is sent now cannot overtake anything.
  [[nodiscard]] bool is_idle() const { return !writing_ && waiting_.empty(); }
  // To an idle stream, without its coroutine; what the socket does not take waits.
  void send_or_keep(std::string_view bytes);
  [[nodiscard]] Awaitable<bool> write_all(std::string bytes);
  void listen();
  [[nodiscard]] bool heard_end();
  [[nodiscard]] Awaitable<bool> write(std::string_view bytes);

  Engine& engine_;
  Socket& socket_;
  wire::TaskQuery query_;
  core::Xid session_;
  std::string waiting_;  // to be written next
  bool batch_waits_ = false;
  bool writing_ = false;
  bool stamp_due_ = false;  // a heartbeat is due while something long is written
  bool ending_ = false;
  Watchdog watchdog_;
  Timer wake_;  // cancelled when something waits, or the client is gone
  Heartbeats::Place heartbeat_;
  bool gone_ = false;  // the client has closed the stream
  // Outlives the stream while a handler that listens is on its way.
  struct Ear {
    TaskStream* stream;
  };
  std::shared_ptr<Ear> ear_;
};

}  // namespace pena::server
