// One client's answer to GET /task: a bounded buffer, one write in flight, a heartbeat, and an ear
// for the end of the stream. Belongs to the I/O thread.
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
#include "wire/query.hpp"

namespace pena::server {

class TaskStream {
 public:
  // How a stream ends: where the client got all it asked for, or else.
  enum class Ending { well, cut };

  TaskStream(Engine& engine, Socket& socket, const wire::TaskQuery& query, bool chunked);
  ~TaskStream();
  TaskStream(const TaskStream&) = delete;
  TaskStream& operator=(const TaskStream&) = delete;

  // Serves until the stream ends, from either side; tells the dispatcher of its beginning and end.
  [[nodiscard]] Awaitable<void> run();
  // A heartbeat is due: `stamp` says when, as wire::append_heartbeat writes it, and `chunk` is the
  // chunk of it.
  void beat(std::string_view stamp, std::string_view chunk);

  // A client that reports without reading what it was sent is closed, so the buffer holds a batch
  // that is being written and one that waits, at most.
  void send(const core::SendBatch& grant);
  // Says bye with the reason and closes once that is written.
  void end(const std::string& reason, Ending ending = Ending::cut);

  // The head of the answer, with the empty line.
  [[nodiscard]] static std::string head(Engine& engine, const core::Xid& session, bool chunked,
                                        bool closes);

 private:
  // Nothing is being written, nor waits to be: what is sent now cannot overtake anything.
  [[nodiscard]] bool is_idle() const { return !writing_ && framed_.empty() && waiting_.empty(); }
  // Where to append what is to wait.
  [[nodiscard]] std::string& waiting();
  // What stands behind the room of a chunk in `text`, as it goes out.
  [[nodiscard]] std::string_view framed(std::string& text) const;
  // To an idle stream, without its coroutine; what the socket does not take waits. `bytes` are framed.
  void send_or_keep(std::string_view bytes);
  [[nodiscard]] Awaitable<bool> write_all();
  [[nodiscard]] Awaitable<bool> write_stamp();
  void listen();
  [[nodiscard]] bool heard_end();
  void leave();
  [[nodiscard]] Awaitable<bool> write(std::string_view bytes);

  Engine& engine_;
  Socket& socket_;
  wire::TaskQuery query_;
  core::Xid session_;
  bool chunked_;
  std::string framed_;  // to be written next: what the socket did not take
  // To be written then: text that is not framed yet, behind room for its frame.
  std::string waiting_;
  bool told_retry_ = false;
  bool batch_waits_ = false;
  bool writing_ = false;
  bool stamp_due_ = false;       // a heartbeat is due while something long is written
  std::size_t block_bytes_ = 0;  // of the heartbeats since the last event
  bool ending_ = false;
  bool ends_well_ = false;
  Watchdog watchdog_;
  Peer peer_;
  Timer wake_;  // cancelled when something waits, or the client is gone
  Heartbeats::Place heartbeat_;
  bool gone_ = false;  // the client has closed the stream, or has vanished
  // Outlives the stream while a handler that listens is on its way.
  struct Ear {
    TaskStream* stream;
  };
  std::shared_ptr<Ear> ear_;
};

}  // namespace pena::server
